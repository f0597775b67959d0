"""Completion: what a shell is told, and what the three shells make of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proxyctl.cli.scripts import SCRIPTS
from tests.client.stand_in import StandIn

from . import samples
from .shell import Shell, output

ROOT = Path(__file__).parents[2]


def complete(shell: Shell, *words: str) -> list[str]:
    """The values that could stand in the place of the last word."""
    shell.environ["_PROXYCTL_COMPLETE"] = "1"
    result = shell.run(*words)
    del shell.environ["_PROXYCTL_COMPLETE"]
    assert (result.exit_code, result.stderr) == (0, "")
    return [line.partition("\t")[0] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("sta",), ["start", "status"]),
        (("providers", "re"), ["remove", "reset"]),
        (("config", ""), ["path", "show", "edit", "validate"]),
        (("logs", "--li"), ["--limit"]),
        (("logs", "g"), ["gemini", "groq"]),
        (("logs", "sh"), ["show"]),
        (("providers", "show", "g"), ["gemini", "groq"]),
        (("providers", "set", "my"), ["my-server"]),
        (("providers", "set", "groq", "po"), ["pooled"]),
        (("providers", "set", "groq", "gemini", "fa"), ["fallback"]),
        (("providers", "add", "x", "--mode", "e"), ["exclusive"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("metrics", "gro"), ["groq"]),
        (("xyzzy", ""), []),
        (("--config", ""), []),
    ],
)
def test_what_could_come_next(shell: Shell, words: tuple[str, ...], values: list[str]) -> None:
    shell.has_config()

    found = complete(shell, *words)

    assert found == values if values else all(value not in found for value in ("groq", "bash"))


def test_every_command_comes_with_its_help(shell: Shell) -> None:
    shell.environ["_PROXYCTL_COMPLETE"] = "1"

    assert "status\tShow whether the daemon runs, where, and since when.\n" in shell.run("").stdout


def test_models_come_from_the_daemon(shell: Shell, daemon: StandIn) -> None:
    daemon.answers("GET", "/providers/models", samples.MODELS)

    assert complete(shell, "explain", "gemini:") == ["gemini:gemini-3.8-flash", "gemini:gemini-3.5-flash-lite"]
    assert complete(shell, "chat", "--model", "openai/") == ["openai/gpt-oss-20b"]


def test_another_home_s_daemon_offers_nothing(shell: Shell, daemon: StandIn) -> None:
    daemon.answers("GET", "/healthz", {"instance": "another", "version": "0.1.0"})
    daemon.answers("GET", "/providers/models", samples.MODELS)

    assert complete(shell, "explain", "gemini:") == []


def test_no_daemon_no_models_no_noise(shell: Shell) -> None:
    shell.has_config()

    assert complete(shell, "explain", "") == []


def test_a_broken_config_does_not_break_the_prompt(shell: Shell) -> None:
    shell.has_config("nonsense")

    assert complete(shell, "providers", "show", "") == []


def test_another_config_is_honoured(shell: Shell, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[providers.elsewhere]\n")

    assert complete(shell, "--config", str(other), "providers", "show", "") == ["elsewhere"]


@pytest.mark.parametrize("shell_name", SCRIPTS)
def test_the_script_is_printed(shell: Shell, shell_name: str) -> None:
    assert output(shell.run("completion", shell_name)) == (0, SCRIPTS[shell_name], "")


# -- the real shells

_BASH = """
source {script}
words=({words})
COMP_WORDS=("${{words[@]}}")
COMP_CWORD=$(( ${{#words[@]}} - 1 ))
_proxyctl {command}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

_FISH = """
source {script}
complete --do-complete '{line}'
"""

_ZSH = """
autoload -Uz compinit && compinit -D
_describe() {{ eval "print -rl -- \\"\\${{$3[@]}}\\""; }}
_files() {{ print files }}
source {script}
words=({words})
CURRENT=${{#words}}
_proxyctl
"""


@pytest.fixture
def prompt(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder with `proxyctl` in it, and an environment that finds it and a config."""
    command = tmp_path / "proxyctl"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m proxyctl.cli "$@"\n')
    command.chmod(0o755)
    (tmp_path / "config.toml").write_text("[providers.groq]\n[providers.gemini]\n")
    environ = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PROXYCTL_HOME": str(tmp_path),
        "HOME": str(tmp_path),
    }
    return command, environ


def ask(name: str, program: str, environ: dict[str, str], script: Path) -> list[str]:
    binary = shutil.which(name)
    if binary is None:
        pytest.skip(f"{name} is not installed")
    script.write_text(SCRIPTS[name])
    arguments = [binary, "--norc", "-c"] if name == "bash" else [binary, "-c"]
    done = subprocess.run([*arguments, program], capture_output=True, text=True, check=False, env=environ)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("proxyctl sta", ["start", "status"]),
        ("proxyctl providers show g", ["groq", "gemini"]),
        ("proxyctl providers set groq po", ["pooled"]),
        ("proxyctl logs --li", ["--limit"]),
    ],
)
def test_bash(prompt: tuple[Path, dict[str, str]], tmp_path: Path, words: str, values: list[str]) -> None:
    command, environ = prompt
    script = tmp_path / "script"

    assert ask("bash", _BASH.format(script=script, words=words, command=command), environ, script) == values


def test_bash_with_a_colon_in_a_model(tmp_path: Path, prompt: tuple[Path, dict[str, str]]) -> None:
    """Bash hands `groq:ll` over as three words and replaces only the last."""
    command, environ = prompt
    fake = tmp_path / "fake"
    fake.write_text('#!/bin/sh\n[ "$3" = "groq:ll" ] && printf "groq:llama-3\\tgroq\\n"\n')
    fake.chmod(0o755)
    script = tmp_path / "script"
    program = _BASH.format(script=script, words="proxyctl chat -m groq : ll", command=fake)

    assert command.exists()
    assert ask("bash", program, environ, script) == ["llama-3"]


def test_fish(prompt: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    _, environ = prompt
    script = tmp_path / "script"

    assert ask("fish", _FISH.format(script=script, line="proxyctl sta"), environ, script) == [
        "start\tStart the daemon, and wait until it is ready.",
        "status\tShow whether the daemon runs, where, and since when.",
    ]
    assert ask("fish", _FISH.format(script=script, line="proxyctl providers set groq po"), environ, script) == [
        "pooled\tshares the first choice"
    ]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("proxyctl provid", ["providers:List the providers, set their modes and keys, add and remove them."]),
        ("proxyctl providers show g", ["groq", "gemini"]),
        ("proxyctl xyzzy q", ["files"]),
    ],
)
def test_zsh(prompt: tuple[Path, dict[str, str]], tmp_path: Path, words: str, values: list[str]) -> None:
    _, environ = prompt
    script = tmp_path / "script"

    assert ask("zsh", _ZSH.format(script=script, words=words), environ, script) == values
