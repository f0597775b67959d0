"""Which package may import which, and where third-party libraries are at home.

The floors keep the daemon's parts apart: a dialect that knew the config, or a command that loaded the server, would be
found out here and not in production.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .source import ROOT, Module, modules

MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "dialects": {"core"},
    "config": {"core"},
    "admin": {"core"},
    "providers": {"core", "dialects", "config"},
    "routing": {"core", "config"},
    "metering": {"core", "dialects", "admin"},
    "gateway": {"core", "dialects", "config", "admin", "providers", "routing", "metering"},
    "daemon": {"core", "config", "providers"},
    "client": {"core", "admin"},
    "simulator": {"core", "dialects"},
    "cli": {"core", "config", "admin", "client", "daemon", "simulator", "providers"},
}

ONLY = {
    ("providers", "config"): {"proxyctl.config.kinds"},  # the words in which a kind states its facts to the config
    ("metering", "dialects"): {"proxyctl.dialects.base", "proxyctl.dialects.sse"},  # frames and watches, no codec
    ("daemon", "providers"): {"proxyctl.providers._registry"},  # facts: names, variables, labels
    ("cli", "providers"): {"proxyctl.providers._registry"},
    ("simulator", "dialects"): {"proxyctl.dialects.sse"},  # it must not encode with the code that it judges
}
"""Where a floor is open for these modules alone."""

FURTHER = {("daemon/serve.py", "gateway")}
"""The one place where the process and the server meet."""

HOMES: dict[str, tuple[str, ...]] = {
    "quart": ("gateway/", "daemon/serve.py"),
    "quart_schema": ("gateway/",),
    "werkzeug": ("gateway/",),
    "hypercorn": ("gateway/", "daemon/serve.py"),
    "httptools": ("gateway/transport/", "daemon/http1.py", "simulator/"),
    "httpx": ("gateway/upstream.py", "gateway/transport/", "client/", "simulator/traffic.py"),
    "pydantic": ("config/",),
    "pydantic_core": ("config/",),
    "tomlkit": ("config/",),
    "platformdirs": ("config/",),
    "dotenv": ("config/",),
    "filelock": ("daemon/", "config/"),
    "psutil": ("daemon/", "cli/demo_home.py"),  # the demo ends the simulator that it started, and no other process
    "structlog": ("daemon/",),
    "uvloop": ("daemon/serve.py", "simulator/__main__.py"),
    "genai_prices": ("metering/prices.py",),
    "rich": ("cli/",),
    "typer": ("cli/",),
    "msgspec": ("",),
    "typing_extensions": ("",),
}

DISTRIBUTIONS = {"dotenv": "python-dotenv"}
PARTS_OF = {"pydantic_core": "pydantic", "werkzeug": "quart"}
"""Packages that another one brings and hands out objects of."""


def climbs(module: Module) -> list[str]:
    """What a module imports from where it may not."""
    wrong = []
    for name in module.imports():
        top, _, rest = name.partition(".")
        floor = rest.partition(".")[0]
        if top != "proxyctl" or floor not in MAY_IMPORT or floor == module.floor:
            continue
        allowed = floor in MAY_IMPORT[module.floor] and _is_open(module.floor, floor, name)
        if not allowed and (module.name, floor) not in FURTHER:
            wrong.append(f"{module.name} imports {name}")
    return wrong


def _is_open(floor: str, other: str, name: str) -> bool:
    doors = ONLY.get((floor, other))
    return doors is None or any(name == door or name.startswith(f"{door}.") for door in doors)


def strays(module: Module) -> list[str]:
    """The third-party libraries that a module imports and that are not at home there."""
    return [
        f"{module.name} imports {library}"
        for library in sorted(module.foreign())
        if not module.name.startswith(HOMES.get(library, ()))
    ]


def test_no_floor_imports_what_stands_above_it() -> None:
    assert [climb for module in modules() if module.floor for climb in climbs(module)] == []


def test_third_party_libraries_stay_at_home() -> None:
    assert [stray for module in modules() for stray in strays(module)] == []


@pytest.mark.parametrize(
    ("name", "code", "climbing"),
    [
        ("core/a.py", "from proxyctl.dialects import sse", True),
        ("core/a.py", "def f():\n    import proxyctl.config.model", True),
        ("dialects/x/a.py", "from ...providers import _base", True),
        ("dialects/x/a.py", "from ..base import Dialect", False),
        ("routing/a.py", "from proxyctl.gateway.front import Front", True),
        ("daemon/a.py", "import proxyctl.gateway.app", True),
        ("daemon/serve.py", "import proxyctl.gateway.app", False),
        ("simulator/a.py", "from proxyctl.dialects.sse import frame", False),
        ("simulator/a.py", "from proxyctl.dialects import gemini_generate", True),
        ("cli/a.py", "from proxyctl.providers._registry import KIND_FACTS", False),
        ("cli/a.py", "from proxyctl.providers.groq import GroqProvider", True),
        ("cli/a.py", "from proxyctl import __version__", False),
    ],
)
def test_the_search_for_climbs(tmp_path: Path, name: str, code: str, *, climbing: bool) -> None:
    assert bool(climbs(_written(tmp_path, name, code))) is climbing


@pytest.mark.parametrize(
    ("name", "code", "straying"),
    [
        ("cli/a.py", "def f():\n    import httpx", True),
        ("client/a.py", "import httpx", False),
        ("gateway/app.py", "from quart import Quart", False),
        ("metering/a.py", "from quart import Quart", True),
        ("core/a.py", "import requests", True),
        ("core/a.py", "import json, msgspec", False),
    ],
)
def test_the_search_for_strays(tmp_path: Path, name: str, code: str, *, straying: bool) -> None:
    assert bool(strays(_written(tmp_path, name, code))) is straying


def _written(base: Path, name: str, code: str) -> Module:
    path = base / name
    path.parent.mkdir(parents=True)
    path.write_text(code, "utf-8")
    return Module(path, base)


def test_every_package_has_its_floor() -> None:
    assert {module.floor for module in modules()} - {""} <= set(MAY_IMPORT)


def test_what_is_imported_is_declared() -> None:
    """A library that comes along with another one leaves with it too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [line for group in project.get("optional-dependencies", {}).values() for line in group]
    declared = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in [*project["dependencies"], *extras]}

    imported = {PARTS_OF.get(library, library) for module in modules() for library in module.foreign()}
    assert {DISTRIBUTIONS.get(library, library.replace("_", "-")) for library in imported} - declared == set()


def test_the_core_needs_nothing_but_msgspec() -> None:
    needed = {library for module in modules() if module.floor == "core" for library in module.foreign()}

    assert needed <= {"msgspec", "typing_extensions"}


_LOADED_BY = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(list(sys.modules)))
"""


def test_the_command_never_loads_the_server() -> None:
    """Half a second of imports for `--help` would be felt on every command, completion included."""
    commands = [
        "proxyctl." + module.name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for module in modules()
        if module.floor == "cli" and not module.name.endswith("__main__.py")
    ]
    command = [sys.executable, "-c", _LOADED_BY, *commands]

    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)

    loaded = set(json.loads(done.stdout))
    assert loaded & {"quart", "hypercorn", "httpx", "genai_prices", "proxyctl.gateway", "proxyctl.metering"} == set()
