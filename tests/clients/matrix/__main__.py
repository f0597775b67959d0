"""Try the whole matrix and print it as docs/compatibility.md has it; with `--write`, put it there.

Starts a simulator and a daemon of its own, in a folder that is gone afterwards. When a cell fails, nothing is written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from pathlib import Path

from tests.clients.home import Home
from tests.clients.simulated import config, simulator_process

from .cells import CALLERS, CELLS, Cell, Outcome, outcome_of
from .page import PAGE, render


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    wanted = parser.parse_args()
    outcomes, failed = try_all()
    for cell in failed:
        print(f"failed: {cell}", file=sys.stderr)
    if failed:
        return 1
    page = render(outcomes)
    if wanted.write:
        PAGE.write_text(page, "utf-8")
    else:
        print(page)
    return 0


def try_all() -> tuple[dict[Cell, Outcome], list[Cell]]:
    """The outcomes, and the cells that neither work nor are refused in good form; those are explained on stderr."""
    outcomes: dict[Cell, Outcome] = {}
    failed = []
    with simulator_process() as simulated, tempfile.TemporaryDirectory() as folder, Home(Path(folder)) as home:
        home.config_file.write_text(config(simulated))
        home.run("start")
        callers = {dialect: make(home.url) for dialect, make in CALLERS.items()}
        for cell in CELLS:
            try:
                outcomes[cell] = outcome_of(cell, callers[cell.dialect], home, simulated)
            except Exception:  # noqa: BLE001 whatever an SDK raises is this cell's failure, and the others are still tried
                traceback.print_exc()
                failed.append(cell)
        home.run("stop")
    return outcomes, failed


if __name__ == "__main__":
    sys.exit(main())
