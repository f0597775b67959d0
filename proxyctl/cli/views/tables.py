"""The look that all views share: quiet tables without lines, and words with a colour that only repeats them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from proxyctl.cli.views.figures import one_line

Cell = str | Text

_GAP = 2
_FOLDED = 24
"""Columns of text that can be read, though it breaks over lines."""

_GOOD = frozenset({"ok", "ready", "pooled", "exclusive", "yes"})
_BAD = frozenset({"error", "failing", "interrupted", "refused"})
_WATCH = frozenset({"cooling", "shadowed", "unknown", "client_closed", "fallback", "substitute", "draining"})
_QUIET = frozenset({"off", "inactive", "never", "-"})


@dataclass(frozen=True, slots=True)
class Column:
    """`right` for numbers; `fold` for the one column that may break over lines, where others are kept whole.

    `spare` columns are left out where there is no room for all, the highest number first.
    """

    title: str
    right: bool = False
    fold: bool = False
    spare: int = 0


def word(text: str) -> Text:
    """A state, mode or outcome; the colour helps the eye and carries nothing."""
    if text in _GOOD:
        return Text(text, style="green")
    if text in _BAD:
        return Text(text, style="red")
    if text in _WATCH:
        return Text(text, style="yellow")
    return Text(text, style="dim") if text in _QUIET else Text(text)


def name(text: str) -> Text:
    return Text(one_line(text), style="bold")


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> RenderableType:
    """Rows under headings, two spaces apart."""
    return _Fitting(tuple(columns), tuple(tuple(row) for row in rows))


@dataclass(frozen=True, slots=True)
class _Fitting:
    """A table that leaves out its spare columns, one after the other, until the rest can be read whole.

    A number cut in its middle would be another number.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        shown = list(range(len(self.columns)))
        spares = sorted((one for one in shown if self.columns[one].spare), key=lambda one: -self.columns[one].spare)
        for spare in spares:
            if self._width(shown) <= options.max_width:
                break
            shown.remove(spare)
        yield self._of(shown)

    def _width(self, shown: list[int]) -> int:
        """What these columns need: the whole of those that may not break, and enough of those that may."""
        width = _GAP * (len(shown) - 1)
        for one in shown:
            column = self.columns[one]
            widest = max(cell_len(text) for text in (column.title, *(str(row[one]) for row in self.rows)))
            width += min(widest, _FOLDED) if column.fold else widest
        return width

    def _of(self, shown: list[int]) -> Table:
        columns = [self.columns[one] for one in shown]
        return _made(columns, [[row[one] for one in shown] for row in self.rows])


def _made(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=not column.fold,
            overflow="fold" if column.fold else "ellipsis",
        )
    for row in rows:
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def facts(pairs: Iterable[tuple[str, Cell]]) -> Table:
    """Names and values, one a line."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for title, value in pairs:
        made.add_row(Text(title), Text(value) if isinstance(value, str) else value)
    return made


def note(text: str) -> Text:
    return Text(text, style="dim")


def stacked(*parts: RenderableType | None) -> Group:
    """The parts that there are, one below the other, a blank line between them."""
    shown: list[RenderableType] = []
    for part in parts:
        if part is None:
            continue
        shown += [Text(""), part] if shown else [part]
    return Group(*shown)
