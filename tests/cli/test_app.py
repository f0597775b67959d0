"""The command tree: its help, its suggestions, its reading of words, its edge."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from proxyctl import __version__
from proxyctl.cli.app import COMMANDS
from proxyctl.cli.lazy import Entry
from proxyctl.cli.reference import reference

from .expected import check
from .shell import Shell, output

ROOT = Path(__file__).parents[2]


def leaves(entries: tuple[Entry, ...] = COMMANDS, above: str = "") -> Iterator[tuple[str, Entry]]:
    for entry in entries:
        path = f"{above} {entry.name}".strip()
        if entry.children:
            yield from leaves(entry.children, path)
        else:
            yield path, entry


LEAVES = dict(leaves())


def test_the_whole_help(shell: Shell) -> None:
    result = shell.run("--help")

    assert (result.exit_code, result.stderr) == (0, "")
    check("help", result.stdout)


@pytest.mark.parametrize("group", [entry.name for entry in COMMANDS if entry.children])
def test_the_help_of_a_group(shell: Shell, group: str) -> None:
    result = shell.run(group, "-h")

    assert result.exit_code == 0
    check(f"help-{group}", result.stdout)


@pytest.mark.parametrize("path", LEAVES)
def test_the_help_of_a_command(shell: Shell, path: str) -> None:
    result = shell.run(*path.split(), "--help")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: proxyctl {path} [OPTIONS]")
    assert LEAVES[path].help in " ".join(result.stdout.split())


@pytest.mark.parametrize("path", LEAVES)
def test_the_tree_says_what_the_command_says(path: str) -> None:
    """The tree's help is written twice, so that it can be shown without importing the command."""
    module, _, function = LEAVES[path].target.partition(":")
    command = getattr(import_module(f"proxyctl.cli.commands.{module}"), function)

    assert (inspect.getdoc(command) or "").splitlines()[0] == LEAVES[path].help


@pytest.mark.parametrize("words", [(), ("providers",), ("config",)])
def test_no_command_is_a_question_for_help(shell: Shell, words: tuple[str, ...]) -> None:
    code, out, err = output(shell.run(*words))

    assert (code, out) == (2, "")
    assert err.startswith(f"Usage: {' '.join(['proxyctl', *words])} [OPTIONS] COMMAND")


def test_the_version(shell: Shell) -> None:
    assert output(shell.run("--version")) == (0, f"proxyctl {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("statu",), "there is no command `proxyctl statu`\nhint: did you mean `proxyctl status` or `proxyctl start`?"),
        (
            ("stat",),
            "there is no command `proxyctl stat`\nhint: did you mean `proxyctl start` or `proxyctl status`?",
        ),
        (("xyzzy",), "there is no command `proxyctl xyzzy`\nhint: `proxyctl --help` lists the commands"),
        (
            ("providers", "xyz"),
            "there is no command `proxyctl providers xyz`\nhint: `proxyctl providers --help` lists the commands",
        ),
        (("logs", "--lmit", "3"), "no such option: --lmit\nhint: did you mean `--limit`?"),
        (("--cfg", "x", "status"), "no such option: --cfg\nhint: did you mean `--config`?"),
        (("explain",), "missing argument 'MODEL'\nhint: `proxyctl explain --help` shows how"),
        (
            ("status", "extra"),
            "got unexpected extra argument(s) (extra)\nhint: `proxyctl status --help` shows how",
        ),
        (("logs", "--limit"), "option '--limit' requires an argument\nhint: `proxyctl --help` shows how"),
        (
            ("logs", "--limit", "many"),
            "invalid value for '--limit' / '-n': `many` is not a whole number\nhint: `proxyctl logs --help` shows how",
        ),
        (
            ("logs", "--limit", "0"),
            "invalid value for '--limit' / '-n': 0 is below 1\nhint: `proxyctl logs --help` shows how",
        ),
        (
            ("start", "--port", "65536"),
            "invalid value for '--port': 65536 is above 65535\nhint: `proxyctl start --help` shows how",
        ),
        (("completion", "bsh"), "there is no completion for `bsh`\nhint: did you mean `bash`?"),
        (("completion", "tcl"), "there is no completion for `tcl`\nhint: the shells are bash, zsh, fish"),
    ],
)
def test_wrong_usage(shell: Shell, words: tuple[str, ...], error: str) -> None:
    assert output(shell.run(*words)) == (2, "", f"error: {error}\n")


def test_a_bug_keeps_its_traceback(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what was foreseen is made into two lines."""

    def broken(_ctx: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("proxyctl.cli.commands.daemon.reload", broken)
    monkeypatch.setattr(broken, "__annotations__", {"_ctx": __import__("typer").Context})

    with pytest.raises(ZeroDivisionError):
        shell.run("reload")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "/etc/x"), (1, "error: permission denied: /etc/x\n")),
        (OSError("no place"), (1, "error: no place\n")),
        (EOFError(), (1, "error: stopped: nothing was entered\n")),
        (KeyboardInterrupt(), (130, "")),
    ],
)
def test_the_system_s_errors(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, error: BaseException, said: tuple[int, str]
) -> None:
    def refused(_path: Path) -> None:
        raise error

    monkeypatch.setattr("proxyctl.daemon.lock.read_state", refused)

    result = shell.run("status")

    assert (result.exit_code, result.stderr.lstrip("\n")) == said


def test_the_help_needs_no_command(tmp_path: Path) -> None:
    """What the help imports is what every mistyped command waits for."""
    heavy = {"rich", "pydantic", "msgspec", "http", "tomlkit"}
    ours = ("proxyctl.cli.commands", "proxyctl.client", "proxyctl.config", "proxyctl.daemon")

    loaded = _loaded_by(["--help"], tmp_path)

    assert [name for name in loaded if name.partition(".")[0] in heavy or name.startswith(ours)] == []


@pytest.mark.parametrize("words", [["status"], ["logs", "-n", "3"], ["explain", "x"], ["providers", "list", "--json"]])
def test_a_question_needs_no_validation_library(tmp_path: Path, words: list[str]) -> None:
    """Each of these costs more than a whole command may."""
    heavy = {"pydantic", "httpx", "tomlkit", "filelock", "psutil", "quart", "hypercorn", "platformdirs"}

    assert heavy & set(_loaded_by(words, tmp_path)) == set()


_LOADED_BY = """
import sys
from proxyctl.cli.app import app
try:
    app(sys.argv[1:])
except SystemExit:
    print(*sys.modules, file=sys.stderr)
"""


def _loaded_by(words: list[str], home: Path) -> list[str]:
    """The modules that a command loads, in a home of its own with a port on which nobody listens."""
    (home / "config.toml").write_text("[server]\nport = 1\n")
    environ = {"PROXYCTL_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _LOADED_BY, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    return done.stderr.splitlines()[-1].split()


def test_the_reference_names_every_command_and_option(shell: Shell) -> None:
    page = reference()

    for path in LEAVES:
        _, _, section = page.partition(f"# proxyctl {path}\n")
        section = section.partition("\n## ")[0].partition("\n### ")[0]
        shown = shell.run(*path.split(), "--help").stdout
        options = {word for line in shown.splitlines() for word in line.split() if word.startswith("--")}
        assert [option for option in options - {"--help"} if option.rstrip(".,:;") not in section] == []
