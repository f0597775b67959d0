"""The last lines of a file that another process writes."""

from __future__ import annotations

import os
from pathlib import Path

_TAIL_BYTES = 16_384


def last_lines(path: Path, count: int = 12) -> tuple[str, ...]:
    """The last lines that are not blank, oldest first; none when there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return tuple(line for line in lines if line.strip())[-count:]
