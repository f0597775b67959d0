"""The scanner finds each key on the line where a person would point to it."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.config.layout import Layout, dotted, place_at, quoted

TEXT = '''\
# a comment with [brackets] and key = "value"
top = 1
[one]
bare = 1 # trailing
"quoted key" = 'a # no comment'
dotted . "sub key" = """
not = "a key"
[nor] a table
"quotes" inside, \\""" escaped, and at the end"""""
literal = \'\'\'
# no comment ' \'\' \'\'\'
list = [ # comment ]
    "a]",
    { x = 1, "y z" = [2, 3] },   # another

    1979-05-27 07:32:00,
]
after = { deep = { er = true }, b = "}" }
  [ "two" . three ]
  k=1
[[many]]
x = 1
[[many]]
x = 2
[many.sub]
y = 3
'''


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("top",), 2, 1),
        (("one",), 3, 1),
        (("one", "bare"), 4, 1),
        (("one", "quoted key"), 5, 1),
        (("one", "dotted"), 6, 1),
        (("one", "dotted", "sub key"), 6, 1),
        (("one", "literal"), 10, 1),
        (("one", "list"), 12, 1),
        (("one", "list", 0), 13, 5),
        (("one", "list", 1), 14, 5),
        (("one", "list", 1, "x"), 14, 7),
        (("one", "list", 1, "y z"), 14, 14),
        (("one", "list", 1, "y z", 1), 14, 26),
        (("one", "list", 2), 16, 5),
        (("one", "after", "deep", "er"), 18, 20),
        (("one", "after", "b"), 18, 33),
        (("two", "three"), 19, 3),
        (("two", "three", "k"), 20, 3),
        (("many",), 21, 1),
        (("many", 0), 21, 1),
        (("many", 0, "x"), 22, 1),
        (("many", 1), 23, 1),
        (("many", 1, "x"), 24, 1),
        (("many", 1, "sub", "y"), 26, 1),
    ],
)
def test_place(path: tuple[str | int, ...], line: int, column: int) -> None:
    assert tomllib.loads(TEXT)

    assert Layout(TEXT).place(path) == (line, column)


def test_missing_key_is_placed_at_its_table() -> None:
    layout = Layout(TEXT)

    assert layout.place(("one", "none", "deeper")) == (3, 1)
    assert layout.place(("none",)) == (1, 1)


def test_a_table_that_stands_only_in_longer_headers_is_placed_at_the_first() -> None:
    layout = Layout("a = 1\n[provders.x]\nmode = 1\n[provders.y]\nmode = 2\n")

    assert layout.place(("provders",)) == (2, 1)
    assert layout.place(("provders", "y")) == (4, 1)


def test_statements_cover_headers_and_pairs() -> None:
    layout = Layout("[a]\nb = 1 # c\n[a.d]\n")

    assert [(one.path, one.table, one.is_header) for one in layout.statements] == [
        (("a",), ("a",), True),
        (("a", "b"), ("a",), False),
        (("a", "d"), ("a", "d"), True),
    ]
    assert [layout.text[one.start : one.end] for one in layout.statements] == ["[a]", "b = 1", "[a.d]"]
    assert layout.text[layout.statements[1].value : layout.statements[1].end] == "1"


def test_windows_line_ends() -> None:
    layout = Layout("[a]\r\nb = 1\r\n\r\nc = [\r\n  1,\r\n]\r\n")

    assert layout.place(("a", "b")) == (2, 1)
    assert layout.place(("a", "c", 0)) == (5, 3)
    assert [layout.text[one.start : one.end] for one in layout.statements][1] == "b = 1"


def test_place_at_the_end_of_a_text() -> None:
    assert place_at("a\nbc", 4) == (2, 3)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("providers", "groq", "keys", 1), "providers.groq.keys[1]"),
        (("aliases", "claude-*"), 'aliases."claude-*"'),
        (("aliases", 'a"\\'), 'aliases."a\\"\\\\"'),
        (("aliases", ""), 'aliases.""'),
    ],
)
def test_dotted(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(texts)
def test_quoted_text_reads_back(text: str) -> None:
    assert tomllib.loads(f"x = {quoted(text)}") == {"x": text}


@given(st.lists(texts, min_size=1, max_size=4))
def test_dotted_key_reads_back(keys: list[str]) -> None:
    plain: Any = tomllib.loads(f"{dotted(tuple(keys))} = 1")

    for key in keys:
        plain = plain[key]
    assert plain == 1


leaves = st.one_of(
    st.integers(-9, 9).map(str),
    texts.map(quoted),
    st.sampled_from(["true", "1.5e3", "07:32:00", "'l # ]'", "'''\n#'''", '"""\n] \\" """', '"""a"""""', "inf"]),
)
spaces = st.sampled_from(["", " ", "\n", " # ] }\n", "\r\n"])
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(st.tuples(spaces, inner, spaces), max_size=3).map(
            lambda items: "[" + ",".join(before + value + after for before, value, after in items) + "]"
        )
        | st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{i} = {v}" for i, v in enumerate(items)) + "}"
        )
    ),
    max_leaves=6,
)


@given(st.lists(values, min_size=1, max_size=4))
def test_each_pair_ends_where_its_value_ends(items: list[str]) -> None:
    """Whatever the values hold, the scanner steps from key to key as the parser does."""
    text = "[t]\n" + "".join(f"k{index} = {value} # c\n" for index, value in enumerate(items))
    parsed = tomllib.loads(text)["t"]

    pairs = [one for one in Layout(text).statements if not one.is_header]

    assert [one.path for one in pairs] == [("t", key) for key in parsed]
    assert [text[one.value : one.end] for one in pairs] == items
