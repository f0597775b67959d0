"""Changes to a text leave every other line, comment and key as it was."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.config.rewrite import Change, Drop, LayoutError, Put, rewrite


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        pytest.param("[a]\nx  = 1   # why\n", Put(("a", "x"), 2), "[a]\nx  = 2   # why\n", id="value in place"),
        pytest.param("[a]\nx = [\n 1, # c\n]\n", Put(("a", "x"), ["b"]), '[a]\nx = ["b"]\n', id="list in place"),
        pytest.param("[a]\n", Put(("a", "x"), True), "[a]\nx = true\n", id="key of an empty table"),
        pytest.param("[a]", Put(("a", "x"), 1.5), "[a]\nx = 1.5\n", id="no line end at the end"),
        pytest.param("  [a]\n  y = 1\n", Put(("a", "x"), 1), "  [a]\n  y = 1\n  x = 1\n", id="indent kept"),
        pytest.param(
            "[a]\ny = 1\n\n# about b\n[b]\n", Put(("a", "x"), 1), "[a]\ny = 1\nx = 1\n\n# about b\n[b]\n", id="new key"
        ),
        pytest.param("[a]\r\ny = 1\r\n", Put(("a", "x"), 1), "[a]\r\ny = 1\r\nx = 1\r\n", id="windows line ends"),
        pytest.param("", Put(("a", "b", "x"), 1), "[a.b]\nx = 1\n", id="new table in an empty file"),
        pytest.param("# c\n", Put(("a", "x"), 1), "# c\n\n[a]\nx = 1\n", id="new table after a comment"),
        pytest.param(
            "[p.a]\nx = 1\n\n# about q\n[q]\n",
            Put(("p", "b"), {"m": "off", "l": ["x"], "t": {"k": "v"}}),
            '[p.a]\nx = 1\n\n[p.b]\nm = "off"\nl = ["x"]\nt = { k = "v" }\n\n# about q\n[q]\n',
            id="new table beside its family",
        ),
        pytest.param("[a.b]\nx = 1\n", Put(("a", "y"), 1), "[a.b]\nx = 1\n\n[a]\ny = 1\n", id="implicit table"),
        pytest.param("a.b = 1\n", Put(("a", "c"), 2), "a.b = 1\na.c = 2\n", id="dotted sibling"),
        pytest.param(
            "[p]\na.x = 1\n[q]\n", Put(("p", "a", "y"), 2), "[p]\na.x = 1\na.y = 2\n[q]\n", id="dotted in table"
        ),
        pytest.param(
            "[p]\na = { x = 1 } # c\n", Put(("p", "a", "x"), 2), "[p]\na = { x = 2 } # c\n", id="inline value"
        ),
        pytest.param(
            "[p]\na = { x = 1 }\n", Put(("p", "b"), {"y": 2}), "[p]\na = { x = 1 }\nb = { y = 2 }\n", id="beside"
        ),
        pytest.param("[p.a]\nx = 1\n[q]\n", Put(("p", "a"), {"y": 2}), "[q]\n\n[p.a]\ny = 2\n", id="table replaced"),
        pytest.param("[a]\nx = 1 # c\ny = 2\n", Drop(("a", "x")), "[a]\ny = 2\n", id="key out"),
        pytest.param('[a]\nx = """\n[b]\n"""\ny = 2\n', Drop(("a", "x")), "[a]\ny = 2\n", id="long key out"),
        pytest.param("[a]\ny = 2\n", Drop(("a", "x")), "[a]\ny = 2\n", id="absent key"),
        pytest.param("[a]\ny = 2\n", Drop(("b", "x")), "[a]\ny = 2\n", id="absent table"),
        pytest.param("[a]\nb = { x = 1 }\n", Drop(("a", "b", "z")), "[a]\nb = { x = 1 }\n", id="absent inline key"),
        pytest.param(
            "[a]\nb = { x = 1 }\n", Drop(("a", "b", "z", "y")), "[a]\nb = { x = 1 }\n", id="absent inline table"
        ),
        pytest.param("[p]\na.x = 1\nb = 2\na.y = 3\n", Drop(("p", "a")), "[p]\nb = 2\n", id="dotted table out"),
        pytest.param("[p]\na = 1\n\n# c\n[p.b]\n", Drop(("p", "a")), "[p]\n\n# c\n[p.b]\n", id="last key out"),
        pytest.param(
            "# banner\n[a]\nx = 1\n\n# about b\n[b]\n", Drop(("a",)), "# banner\n\n# about b\n[b]\n", id="banner stays"
        ),
        pytest.param(
            "[a]\n\n# about b\n# more\n[b]\nx = 1\n# y = 2\n\n# about c\n[c]\n",
            Drop(("b",)),
            "[a]\n\n# about c\n[c]\n",
            id="table out with its own comments",
        ),
        pytest.param(
            "[a]\n\n[b]\nx = 1\n# about c\n[c]\n", Drop(("b",)), "[a]\n\n# about c\n[c]\n", id="comment without a gap"
        ),
        pytest.param(
            "[p.a]\n\n# b\n[p.b]\n\n[p.b.c]\nx = 1\n\n# d\n[p.d]\n\n[p.b.e]\n",
            Drop(("p", "b")),
            "[p.a]\n\n# d\n[p.d]\n\n",
            id="table out with its parts",
        ),
        pytest.param(
            "[a]\ns = '''\n# text'''\n[b]\n", Drop(("b",)), "[a]\ns = '''\n# text'''\n", id="text is no comment"
        ),
        pytest.param("[a]\nx = 1\n\n[b]\ny = 1\n# end", Drop(("b",)), "[a]\nx = 1\n\n", id="last table out"),
    ],
)
def test_rewrite(before: str, change: Change, after: str) -> None:
    assert rewrite(before, [change]) == after


def test_inline_key_out() -> None:
    got = rewrite("[p]\na = { x = 1, y = 2 } # c\n", [Drop(("p", "a", "x"))])

    assert tomllib.loads(got) == {"p": {"a": {"y": 2}}}
    assert got.endswith("} # c\n")


def test_new_key_deep_in_an_inline_table() -> None:
    got = rewrite("p = { a = { x = 1 } } # c\n", [Put(("p", "b", "y"), 2), Put(("p", "c"), {"z": [1, {"k": "v"}]})])

    assert tomllib.loads(got) == {"p": {"a": {"x": 1}, "b": {"y": 2}, "c": {"z": [1, {"k": "v"}]}}}
    assert "# c" in got


def test_changes_build_on_each_other() -> None:
    got = rewrite("[a]\nx = 1\n", [Drop(("a", "x")), Put(("a", "y"), 1), Put(("a", "y"), 2)])

    assert got == "[a]\ny = 2\n"


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("[a]\nx = 1\n", Put(("a", "x", "y"), 2)),
        ("x = 1\n", Put(("x", "y", "z"), 2)),
        ("[[a]]\nx = 1\n", Put(("a", "x"), 2)),
        ("[a]\nx = 1\n", Put(("a", "x"), float("nan"))),
    ],
)
def test_change_that_cannot_be_made_safely_is_refused(text: str, change: Change) -> None:
    with pytest.raises(LayoutError):
        rewrite(text, [change])


NAMES = ("a", "b", "c d", "é", "1", "x")
scalars = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.sampled_from(NAMES), scalars, max_size=2)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A file of tables in several spellings, with a numbered comment in every place that can have one."""
    count = 0

    def comment(prefix: str = "") -> str:
        nonlocal count
        count += 1
        return f"{prefix}# note {count}\n"

    lines = [draw(st.sampled_from(["", "# banner\n", "# banner\n\n"]))]
    tables = st.lists(st.sampled_from(["t", "u", "t.a", "t.b", "t.a.b", "u.'c d'"]), unique=True, max_size=5)
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    for table in draw(tables):
        lines.append(draw(st.sampled_from(["", "\n", "\n\n"])))
        lines += [comment() for _ in range(draw(st.integers(0, 2)))]
        lines.append(f"[{table}]" + (comment("  ") if draw(st.booleans()) else "\n"))
        for key in draw(st.lists(st.sampled_from(["x", "y.z", "w"]), unique=True, max_size=3)):
            if draw(st.booleans()):
                lines.append(comment())
            value = draw(st.sampled_from(["1", '"# no note"', "[\n  1,\n]", "{ k = 1 }", '"""\n# text\n"""']))
            lines.append(f"{key} = {value}" + (comment(" ") if draw(st.booleans()) else "\n"))
        if draw(st.booleans()):
            lines.append(comment())
    return "".join(lines).replace("\n", newline)


def comments(text: str) -> set[str]:
    return {line[line.index("# note") :].strip() for line in text.splitlines() if "# note" in line}


def plain_put(plain: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        plain = plain.setdefault(key, {})
    plain[path[-1]] = value


paths = st.tuples(st.sampled_from(["t", "u", "v"]), st.sampled_from(NAMES)) | st.tuples(
    st.sampled_from(["t", "u"]), st.sampled_from(["a", "b", "n"]), st.sampled_from(NAMES)
)


@given(documents(), paths, values)
def test_put_changes_one_key_and_keeps_every_comment(text: str, path: tuple[str, ...], value: Any) -> None:
    plain = tomllib.loads(text)
    is_table = isinstance(_at(plain, path), dict)

    got = rewrite(text, [Put(path, value)])

    plain_put(plain, path, value)
    assert tomllib.loads(got) == plain
    if not is_table:
        assert comments(got) >= comments(text)


@given(documents(), paths)
def test_drop_of_a_key_keeps_all_other_comments(text: str, path: tuple[str, ...]) -> None:
    """Only the comment on the key's own line goes with it."""
    dropped = _at(tomllib.loads(text), path)

    got = rewrite(text, [Drop(path)])

    assert _at(tomllib.loads(got), path) is None
    if not isinstance(dropped, dict):
        assert len(comments(text) - comments(got)) <= 1


@given(documents())
def test_table_that_comes_and_goes_leaves_the_text_as_it_was(text: str) -> None:
    added = rewrite(text, [Put(("t", "new"), {"k": 1})])

    assert comments(added) == comments(text)
    removed = rewrite(added, [Drop(("t", "new"))])

    assert comments(removed) == comments(text)
    assert [line for line in removed.splitlines() if line.strip()] == [
        line for line in text.splitlines() if line.strip()
    ]


@given(documents(), st.sampled_from(["t", "u"]))
def test_removed_table_leaves_its_neighbours_comments(text: str, table: str) -> None:
    """Every comment that stands directly above another table's header, or within that table, is still there."""
    got = rewrite(text, [Drop((table,))])

    others = {note for note, owner in owners(text) if owner.split(".")[0] != table}
    assert comments(got) >= others
    assert table not in tomllib.loads(got)


def owners(text: str) -> list[tuple[str, str]]:
    """Each comment with the table it speaks of: the one right below it, else the one it stands in."""
    found: list[tuple[str, str]] = []
    paragraph: list[str] = []
    owner = ""
    for line in text.splitlines():
        if line.startswith("["):
            owner = line[1 : line.index("]")]
        if not line.startswith("# note"):
            found += [(note, owner) for note in [*paragraph, *comments(line)]]
            paragraph = []
        else:
            paragraph.append(line)
    return found + [(note, owner) for note in paragraph]


def _at(plain: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        plain = plain.get(key) if isinstance(plain, dict) else None
    return plain
