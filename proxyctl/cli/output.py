"""Where a command's words go: data to standard output, talk to standard error, and nothing but data in between.

Rich is loaded when something is drawn; `--json` and errors do without it. `NO_COLOR`, `FORCE_COLOR`, `COLUMNS` and
`TERM` are Rich's to honour.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from proxyctl.cli.failures import Failure

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from proxyctl.cli.views.figures import Look

T = TypeVar("T")

_BLANKS = re.compile(r" +$", re.MULTILINE)

PIPE_WIDTH = 160
"""How much is shown in a pipe, which has no width. No line is broken there, so that each can be searched whole."""

_UNBROKEN = 10_000


@dataclass(frozen=True, slots=True)
class Output:
    """Prints to the streams that Python has now, so that a test which exchanges them sees everything."""

    now: Callable[[], float]
    zone: tzinfo | None = None

    def show(self, value: T, view: Callable[[T, Look], RenderableType]) -> None:
        """Print what `view` makes of a value."""
        console = self.console()
        drawn(console, view(value, self.look(console)))

    def json(self, value: Any) -> None:
        """Print a value of the API as it is."""
        import msgspec

        self.data(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())

    def json_line(self, value: Any) -> None:
        """One value a line, at once: what `--follow --json` prints."""
        import msgspec

        self.data(msgspec.json.encode(value).decode())
        sys.stdout.flush()

    def line(self, shown: RenderableType) -> None:
        """Something drawn, at once: one event of a stream that is being followed."""
        drawn(self.console(), shown)
        sys.stdout.flush()

    def data(self, text: str) -> None:
        """A line of data."""
        sys.stdout.write(f"{text}\n")

    def say(self, text: str) -> None:
        """A line of talk."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def console(self) -> Console:
        return console_for(sys.stdout)

    def look(self, console: Console) -> Look:
        from proxyctl.cli.views.figures import Look

        unbroken = console.width == _UNBROKEN
        return Look(self.now(), PIPE_WIDTH if unbroken else console.width, self.zone, unbroken)

    @property
    def is_terminal(self) -> bool:
        """Whether a live view would be seen."""
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def console_for(stream: TextIO) -> Console:
    from rich.console import Console

    width = None if stream.isatty() or os.environ.get("COLUMNS") else _UNBROKEN
    return Console(file=stream, width=width, emoji=False, highlight=False, soft_wrap=False)


def tell_failure(failure: Failure) -> None:
    """`error: …` and `hint: …` on standard error, in colour where there is one."""
    lines = [("error", "1;31", failure.message)]
    if failure.hint:
        lines.append(("hint", "1;36", failure.hint))
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    sys.stdout.flush()
    for title, colour, text in lines:
        shown = f"\x1b[{colour}m{title}\x1b[0m" if coloured else title
        sys.stderr.write(f"{shown}: {_safe(text)}\n")
    sys.stderr.flush()


def _safe(text: str) -> str:
    from proxyctl.cli.views.figures import clean

    return clean(text)


def drawn(console: Console, shown: RenderableType) -> None:
    """Print it, without the blanks with which Rich fills each line of a table."""
    with console.capture() as capture:
        console.print(shown, highlight=False, markup=False)
    console.file.write(_BLANKS.sub("", capture.get()))
