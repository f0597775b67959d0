"""Whole outputs, kept as files beside the tests.

`UPDATE_EXPECTED=1 pytest tests/cli` writes them anew; the diff is then for a reader's eyes.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "expected"


def check(name: str, output: str) -> None:
    """Compare a whole output with the file of this name."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_EXPECTED"):
        path.write_text(output, "utf-8")
    assert output == path.read_text("utf-8")
