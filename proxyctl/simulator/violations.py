"""Where a typed decode failed: msgspec's message taken apart, for providers that say it in their own words."""

import re

import msgspec

_UNKNOWN = re.compile(r"Object contains unknown field `(.+?)`")
_MISSING = re.compile(r"Object missing required field `(.+?)`")
_PATH = re.compile(r" - at `\$(.*?)`$")


class Violation(msgspec.Struct, frozen=True):
    """`place` is the path of the object or value, `("messages", 0)`; `field` is what is unknown or missing in it."""

    kind: str  # unknown, missing, type
    message: str
    place: tuple[str | int, ...]
    field: str = ""

    @property
    def location(self) -> tuple[str | int, ...]:
        return (*self.place, self.field) if self.field else self.place

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.location))


def explain(error: msgspec.ValidationError) -> Violation:
    text = str(error)
    found = _PATH.search(text)
    place = _steps(found.group(1)) if found else ()
    message = _PATH.sub("", text)
    if unknown := _UNKNOWN.search(text):
        return Violation("unknown", message, place, unknown.group(1))
    if missing := _MISSING.search(text):
        return Violation("missing", message, place, missing.group(1))
    return Violation("type", message, place)


def _steps(path: str) -> tuple[str | int, ...]:
    """`.messages[0].content` in steps; msgspec writes `[...]` for "some entry"."""
    steps = re.findall(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]", path)
    return tuple(name or (int(index) if index.isdigit() else 0) for name, index in steps)
