"""Read a command's words without a validation library.

Typer builds a pydantic adapter for every parameter, and the import alone costs a third of what a command may take.
Texts, whole numbers, paths and flags need none: this converts them, with errors in our words. A parameter of any other
type keeps typer's own way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer


def _whole(text: Any) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"`{text}` is not a whole number") from None


_CONVERT: Mapping[Any, Callable[[Any], Any]] = {
    str: str,
    int: _whole,
    Path: lambda text: text if isinstance(text, Path) else Path(text),
    bool: bool,
    list[str]: list,
}


class _Plain:
    """What typer calls a runtime parameter: `coerce` makes the value that the command gets."""

    def __init__(self, convert: Callable[[Any], Any], lowest: float | None, highest: float | None) -> None:
        self._convert = convert
        self._lowest = lowest
        self._highest = highest

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        del param, ctx
        if value is None:
            return None
        found = self._convert(value)
        if self._lowest is not None and found < self._lowest:
            raise typer.BadParameter(f"{found} is below {self._lowest:g}")
        if self._highest is not None and found > self._highest:
            raise typer.BadParameter(f"{found} is above {self._highest:g}")
        return found


def read_plainly(params: Any) -> Any:
    """The same parameters of a typer command, the plain ones (`--help` too) with a conversion of ours.

    Parameters of other versions of typer are left as they are.
    """
    for param in params:
        descriptor = getattr(param, "type_descriptor", None)
        if descriptor is None:
            continue
        convert = _CONVERT.get(descriptor.annotation)
        if convert is not None:
            info = descriptor.parameter_info
            param._runtime_param = _Plain(convert, info.min, info.max)  # noqa: SLF001 - typer has no public seam for it
    return params
