"""Where things stand in a TOML text: the line of each key, and the lines that belong to each table.

The standard library reads TOML without positions, and tomlkit counts a comment above a table to the table before it.
This scanner answers both questions for a text that `tomllib` has accepted (it assumes valid TOML and checks nothing).
Offsets are in characters; paths are tuples of keys, with a number for an item of an array.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\r\n]*")


@dataclass(frozen=True, slots=True)
class Statement:
    """A table's header or a `key = value`, from its first to the end of its last character.

    `table` is the path of the header it stands under, `value` the offset of its value (its end, for a header).
    """

    path: Path
    table: Path
    is_header: bool
    start: int
    value: int
    end: int


class Layout:
    """The statements of a text in order, and the offset of every key and array item in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.statements: list[Statement] = []
        self._places: dict[Path, int] = {}
        self._arrays: dict[Path, int] = {}
        self._scan()

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, of the key at `path`, or of the nearest table above it that stands in the text."""
        for length in range(len(path), 0, -1):
            offset = self._places.get(path[:length])
            if offset is not None:
                return place_at(self.text, offset)
        return 1, 1

    def _scan(self) -> None:
        table: Path = ()
        at = self._after_blank(0)
        while at < len(self.text):
            start = at
            if self.text[at] == "[":
                table, at = self._header(at)
                self.statements.append(Statement(table, table, is_header=True, start=start, value=at, end=at))
            else:
                path, value, at = self._pair(at, table)
                self.statements.append(Statement(path, table, is_header=False, start=start, value=value, end=at))
            at = self._after_blank(at)

    def _header(self, at: int) -> tuple[Path, int]:
        is_array = self.text.startswith("[[", at)
        start = at
        keys, at = self._keys(self._after_blank(at + (2 if is_array else 1)))
        table = self._within_arrays(keys[:-1]) + keys[-1:]
        for length in range(1, len(table)):
            self._note(table[:length], start)
        if is_array:
            self._arrays[table] = self._arrays.get(table, -1) + 1
            self._note(table, start)
            table += (self._arrays[table],)
        self._note(table, start)
        return table, self.text.index("]", at) + (2 if is_array else 1)

    def _within_arrays(self, keys: Path) -> Path:
        """The path with the number of the last item after each array of tables in it."""
        path: Path = ()
        for key in keys:
            path += (key,)
            if path in self._arrays:
                path += (self._arrays[path],)
        return path

    def _pair(self, at: int, table: Path) -> tuple[Path, int, int]:
        """A pair's path, the offset of its value, and its end."""
        keys, after = self._keys(at)
        for length in range(1, len(keys) + 1):
            self._note(table + keys[:length], at)
        path = table + keys
        value = self._after_blank(self.text.index("=", after) + 1)
        return path, value, self._value(value, path)

    def _keys(self, at: int) -> tuple[Path, int]:
        keys: list[str | int] = []
        while True:
            part = _KEY_PART.match(self.text, at)
            assert part is not None  # noqa: S101 - tomllib has accepted this text
            raw = part[0]
            keys.append(str(tomllib.loads(f"key = {raw}")["key"]) if raw[0] in "\"'" else raw)
            dot = _DOT.match(self.text, part.end())
            if dot is None:
                return tuple(keys), part.end()
            at = dot.end()

    def _value(self, at: int, path: Path) -> int:
        if self.text[at] == "[":
            return self._array(at, path)
        if self.text[at] == "{":
            return self._inline_table(at, path)
        found = _STRING.match(self.text, at) or _SCALAR.match(self.text, at)
        assert found is not None  # noqa: S101 - the scalar's pattern matches anything
        return at + len(found[0].rstrip())

    def _array(self, at: int, path: Path) -> int:
        index = 0
        at = self._after_blank(at + 1)
        while self.text[at] != "]":
            self._note((*path, index), at)
            at = self._after_comma(self._value(at, (*path, index)))
            index += 1
        return at + 1

    def _inline_table(self, at: int, path: Path) -> int:
        at = self._after_blank(at + 1)
        while self.text[at] != "}":
            _, _, end = self._pair(at, path)
            at = self._after_comma(end)
        return at + 1

    def _after_comma(self, at: int) -> int:
        at = self._after_blank(at)
        return self._after_blank(at + 1) if self.text[at] == "," else at

    def _after_blank(self, at: int) -> int:
        blank = _BLANK.match(self.text, at)
        return blank.end() if blank else at

    def _note(self, path: Path, at: int) -> None:
        self._places.setdefault(path, at)


def place_at(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def dotted(path: Path) -> str:
    """A path as TOML writes it: `providers.x.keys[0]`, with quotes where a key needs them."""

    def pieces() -> Iterator[str]:
        for index, key in enumerate(path):
            if isinstance(key, int):
                yield f"[{key}]"
                continue
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)
            yield ("." if index else "") + (key if bare else quoted(key))

    return "".join(pieces())


def quoted(text: str) -> str:
    """A text as a TOML string. JSON's escapes are TOML's, but for one character that only TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
