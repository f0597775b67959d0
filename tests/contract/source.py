"""The package as its contract tests see it: parsed files, nothing imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "proxyctl"
TESTS = ROOT / "tests"
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Module:
    """One source file. `name` is its path below the package, as `core/chat.py`."""

    path: Path
    base: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(self.base).as_posix()

    @property
    def floor(self) -> str:
        """The package that it belongs to; the root's own files belong to none."""
        return self.name.partition("/")[0] if "/" in self.name else ""

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def imports(self) -> Iterator[str]:
        """Absolute names of all that it imports, wherever the import stands. `from a import b` gives `a.b`."""
        here = ["proxyctl", *self.path.relative_to(self.base).with_suffix("").parts]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = ".".join(here[: -node.level]) if node.level else ""
                origin = ".".join(filter(None, (start, node.module)))
                yield from (f"{origin}.{alias.name}" for alias in node.names)

    def foreign(self) -> set[str]:
        """Top names of the third-party packages that it imports."""
        tops = {name.partition(".")[0] for name in self.imports()}
        return {top for top in tops if top != "proxyctl" and top not in sys.stdlib_module_names}


def modules(base: Path = PACKAGE) -> list[Module]:
    """All Python files below `base`, in a stable order."""
    return [
        Module(path, base)
        for path in sorted(base.rglob("*.py"))
        if not {"__pycache__", "node_modules"} & set(path.parts)
    ]
