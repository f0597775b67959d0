"""Change a TOML text in a few places and leave every other character as it is.

tomlkit reads and writes the values, and changes what lies inside inline tables. Lines are put in and taken out here,
because tomlkit counts a comment above a table to the table before it: with it, a new key lands below its neighbour's
comment, and a removed table takes that comment along. Each rewrite is checked against the same change made to the plain
value, so that a layout nobody thought of ends in an error and not in a wrong file.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeAlias

import tomlkit
import tomlkit.items

from proxyctl.config.layout import Layout, Statement, dotted

Key: TypeAlias = tuple[str, ...]
TomlValue: TypeAlias = str | bool | int | float | Sequence["TomlValue"] | Mapping[str, "TomlValue"]


class LayoutError(Exception):
    """The text is laid out in a way that cannot be changed safely."""


@dataclass(frozen=True, slots=True)
class Put:
    """Give the key at `path` a value, whether it has one or not. A mapping becomes a table of its own."""

    path: Key
    value: TomlValue


@dataclass(frozen=True, slots=True)
class Drop:
    """Take out the key or table at `path`, if it is there."""

    path: Key


Change: TypeAlias = Put | Drop


def rewrite(text: str, changes: Sequence[Change]) -> str:
    """The text with the changes made, one after the other. `text` is valid TOML. Raises `LayoutError`."""
    newline = "\r\n" if "\r\n" in text else "\n"
    wanted = tomllib.loads(text)
    for change in changes:
        _change_plain(wanted, change)
        text = _drop(text, change.path) if isinstance(change, Drop) else _put(text, change, newline)
    try:
        got = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise LayoutError(str(exc)) from None
    if _without_empty(got) != _without_empty(wanted):
        raise LayoutError("the change would alter other keys")
    return text


def _change_plain(plain: dict[str, Any], change: Change) -> None:
    *parents, last = change.path
    for key in parents:
        if isinstance(change, Drop) and not isinstance(plain.get(key), dict):
            return
        plain = plain.setdefault(key, {})
        if not isinstance(plain, dict):
            raise LayoutError(f"{key} is a value, not a table")
    if isinstance(change, Drop):
        plain.pop(last, None)
    else:
        plain[last] = deepcopy(_plain(change.value))


def _plain(value: TomlValue) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value


def _without_empty(value: Any) -> Any:
    """A table that lost its last key may stay, empty, or go: that is no difference."""
    if not isinstance(value, dict):
        return value
    kept = {key: _without_empty(one) for key, one in value.items()}
    return {key: one for key, one in kept.items() if one != {}}


def _put(text: str, change: Put, newline: str) -> str:
    layout = Layout(text)
    path, value = change.path, change.value
    if _is_inline(layout, path):
        return _with_tomlkit(text, change)
    if any(_is_under(one, path) and (one.is_header or one.path != path) for one in layout.statements):
        return _put(_drop(text, path), change, newline)
    for one in layout.statements:
        if one.path == path:
            return text[: one.value] + _render(value) + text[one.end :]
    if len(path) == 1 and not isinstance(value, Mapping):
        return _with_tomlkit(text, change)
    beside = _neighbour(layout, path[:-1])
    if beside is not None and not (beside.is_header and isinstance(value, Mapping)):
        line = f"{dotted(path[len(beside.table) :])} = {_render(value)}"
        return _insert_line(text, beside, line, newline)
    table, pairs = (path, value) if isinstance(value, Mapping) else (path[:-1], {path[-1]: value})
    return _insert_section(layout, table, _section(table, pairs, newline), newline)


def _drop(text: str, path: Key) -> str:
    layout = Layout(text)
    if _is_inline(layout, path):
        return _with_tomlkit(text, Drop(path))
    for start, end in reversed(list(_spans(layout, path))):
        text = text[:start] + text[end:]
    return text


def _is_under(statement: Statement, path: Key) -> bool:
    return statement.path[: len(path)] == path


def _is_inline(layout: Layout, path: Key) -> bool:
    """Whether a key stands, or would stand, within the value of another."""
    return any(
        not one.is_header and len(one.path) < len(path) and path[: len(one.path)] == one.path
        for one in layout.statements
    )


def _neighbour(layout: Layout, table: Key) -> Statement | None:
    """The statement after which a new key of `table` goes: the last of its section, else its last dotted key."""
    last = None
    for one in layout.statements:
        is_dotted = not one.is_header and one.table == table[: len(one.table)] and _is_under(one, table)
        if one.table == table or is_dotted:
            last = one
    return last


def _spans(layout: Layout, path: Key) -> Iterator[tuple[int, int]]:
    """The pieces of the text that belong to `path` and to nothing else, in order."""
    text, statements = layout.text, layout.statements
    for index, one in enumerate(statements):
        if not _is_under(one, path):
            continue
        if one.is_header:
            floor = _line_end(text, statements[index - 1].end) if index else 0
            start, end = _above(text, one.start, floor), _section_end(layout, index)
            if start == 0 or text[:start].endswith(("\n\n", "\n\r\n")):
                end = _after_blank_lines(text, end)
            yield start, end
        elif one.table[: len(path)] != path:
            yield _line_start(text, one.start), _line_end(text, one.end)


def _above(text: str, start: int, floor: int) -> int:
    """Where the comment directly above a header begins, if it is a paragraph of its own within the file."""
    start = _line_start(text, start)
    top = start
    while top > floor and text[_line_start(text, top - 1) : top].lstrip().startswith("#"):
        top = _line_start(text, top - 1)
    stands_alone = top > floor and not text[_line_start(text, top - 1) : top].strip()
    return top if stands_alone else start


def _section_end(layout: Layout, index: int) -> int:
    """Where the section of the header at `index` ends: after its last key, and the comment that follows directly.

    A comment that is not set off by an empty line from the next header is that header's.
    """
    text, statements = layout.text, layout.statements
    last = index
    while last + 1 < len(statements) and not statements[last + 1].is_header:
        last += 1
    end = _line_end(text, statements[last].end)
    tail = end
    while text[tail : _line_end(text, tail)].lstrip().startswith("#"):
        tail = _line_end(text, tail)
    set_off = tail == len(text) or not text[tail : _line_end(text, tail)].strip()
    return tail if set_off else end


def _insert_line(text: str, after: Statement, line: str, newline: str) -> str:
    end = _line_end(text, after.end)
    indent = text[_line_start(text, after.start) : after.start]
    before = text[:end] if text[:end].endswith("\n") else text[:end] + newline
    return before + indent + line + newline + text[end:]


def _insert_section(layout: Layout, table: Key, section: str, newline: str) -> str:
    """Put a section after the last one of its family, else at the end."""
    text = layout.text
    at = len(text)
    for index, one in enumerate(layout.statements):
        if one.is_header and one.path[:1] == table[:1]:
            at = _section_end(layout, index)
    before, after = text[:at], text[at:]
    if before and not before.endswith("\n"):
        before += newline
    if before and not before.endswith(newline * 2):
        before += newline
    if after and not after.startswith(("\n", "\r\n")):
        section += newline
    return before + section + after


def _section(table: Key, pairs: Mapping[str, TomlValue], newline: str) -> str:
    lines = [f"[{dotted(table)}]", *(f"{dotted((key,))} = {_render(value)}" for key, value in pairs.items())]
    return newline.join(lines) + newline


def _render(value: TomlValue) -> str:
    if isinstance(value, Mapping):
        return (
            f"{{ {', '.join(f'{dotted((key,))} = {_render(one)}' for key, one in value.items())} }}" if value else "{}"
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(_render(one) for one in value)}]"
    return tomlkit.item(value).as_string()


def _with_tomlkit(text: str, change: Change) -> str:
    document = tomlkit.parse(text)
    place: Any = document
    *parents, last = change.path
    for key in parents:
        if key not in place:
            if isinstance(change, Drop):
                return text
            place[key] = tomlkit.inline_table()
        place = place[key]
        if not isinstance(place, Mapping):
            raise LayoutError(f"{key} is a value, not a table")
    if isinstance(change, Put):
        place[last] = tomlkit.parse(f"value = {_render(change.value)}")["value"]
    elif last in place:
        del place[last]
    return document.as_string()


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    """The offset after the line break of the line that holds `at`, or of the text's end."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _after_blank_lines(text: str, at: int) -> int:
    while at < len(text) and not text[at : _line_end(text, at)].strip():
        at = _line_end(text, at)
    return at
