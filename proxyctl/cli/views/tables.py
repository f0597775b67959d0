"""The look that all views share: quiet tables without lines, and words with a colour that only repeats them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from proxyctl.cli.views.figures import one_line

Cell = str | Text

_GOOD = frozenset({"ok", "ready", "pooled", "exclusive", "yes"})
_BAD = frozenset({"error", "failing", "interrupted", "refused"})
_WATCH = frozenset({"cooling", "shadowed", "unknown", "client_closed", "fallback", "substitute", "draining"})
_QUIET = frozenset({"off", "inactive", "never", "-"})


@dataclass(frozen=True, slots=True)
class Column:
    """`right` for numbers; `fold` for the one column that may break over lines, where others are kept whole."""

    title: str
    right: bool = False
    fold: bool = False


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


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> Table:
    """Rows under headings, two spaces apart."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
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
