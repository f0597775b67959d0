"""What only a process shows: colours, pipes, Ctrl-C, hidden input."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxyctl.admin import schema
from tests.client.stand_in import StandIn, event, stream

from . import samples
from .shell import Shell
from .terminal import COMMAND, Terminal, environment, run


@pytest.fixture
def home(shell: Shell) -> Path:
    return shell.has_config().parent


@pytest.fixture
def busy(daemon: StandIn, home: Path) -> StandIn:
    assert home.exists()
    daemon.answers("GET", "/providers/status", samples.STATUS)
    daemon.answers("GET", "/daemon/status", samples.DAEMON)
    return daemon


def test_the_installed_command_is_the_same(home: Path) -> None:
    installed = Path(COMMAND[0]).with_name("proxyctl")
    if not installed.exists():
        pytest.skip("the package is not installed here")

    done = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True, env=environment(home))

    assert done.stdout == run(home, "--version").stdout


def test_a_pipe_gets_whole_lines_without_colour(busy: StandIn, home: Path) -> None:
    assert busy.port

    done = run(home, "providers", "list")

    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert any(
        line.startswith("cohere  no key: set CO_API_KEY, or store one with") for line in done.stdout.splitlines()
    )
    assert "https://generativelanguage.googleapis.com" in done.stdout


def test_a_terminal_gets_colour(busy: StandIn, home: Path) -> None:
    assert busy.port

    with Terminal(home, ("providers", "list")) as terminal:
        assert terminal.end() == 0

    assert b"\x1b[32mready" in terminal.seen


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_none_is_wanted(busy: StandIn, home: Path, more: dict[str, str]) -> None:
    assert busy.port

    for words in (("providers", "list"), ("providers", "show", "nobody")):
        with Terminal(home, words, more) as terminal:
            terminal.end()
        assert re.search(rb"\x1b\[(1;)?3", terminal.seen) is None


def test_errors_are_coloured_at_a_terminal(home: Path) -> None:
    with Terminal(home, ("status",)) as terminal:
        assert terminal.end() == 3

    assert terminal.seen.startswith(b"\x1b[1;31merror\x1b[0m: nothing answers at ")
    assert b"\x1b[1;36mhint\x1b[0m: start it with" in terminal.seen


@pytest.mark.parametrize(
    ("words", "code"),
    [(("status",), 3), (("statu",), 2), (("config", "validate", "nowhere.toml"), 4), (("config", "path"), 0)],
)
def test_exit_codes(home: Path, words: tuple[str, ...], code: int) -> None:
    assert run(home, *words).returncode == code


def test_a_reader_that_has_seen_enough(busy: StandIn, home: Path) -> None:
    """`proxyctl logs -f | head -1` ends without a word about it."""
    busy.says("GET", "/providers/logs", stream(event(samples.OK) for _ in range(20_000)))

    read, write = os.pipe()
    process = subprocess.Popen(
        [*COMMAND, "logs", "-f"], stdout=write, stderr=subprocess.PIPE, env=environment(home), stdin=subprocess.DEVNULL
    )
    os.close(write)
    assert os.read(read, 10)
    os.close(read)
    _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (1, b"")


def test_a_reader_that_reads_nothing(busy: StandIn, home: Path) -> None:
    assert busy.port
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(
        [*COMMAND, "providers", "list"], stdout=write, stderr=subprocess.PIPE, env=environment(home), check=False
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (1, b"")


@pytest.fixture
def endless(busy: StandIn) -> Iterator[StandIn]:
    """Reports until the reader leaves."""

    def reports() -> Iterator[bytes]:
        number = 0
        while True:
            number += 1
            total = schema.ProviderMetrics(name="total", requests=number, succeeded=number)
            yield event(schema.MetricsReport(since=samples.NOW, total=total, providers=()))

    busy.says("GET", "/providers/metrics", stream(reports()))
    return busy


def test_a_live_view_is_redrawn_and_leaves_the_terminal_as_it_was(endless: StandIn, home: Path) -> None:
    assert endless.port

    with Terminal(home, ("metrics", "--live")) as terminal:
        terminal.until(lambda seen: seen.count(b"Requests") > 3)
        terminal.interrupt()
        code = terminal.end()

    assert code == 130
    assert terminal.seen.startswith(b"\x1b[?25l")
    assert terminal.seen.rfind(b"\x1b[?25h") > terminal.seen.rfind(b"\x1b[?25l")
    assert b"Traceback" not in terminal.seen


def test_ctrl_c_while_waiting(busy: StandIn, home: Path) -> None:
    busy.says("GET", "/providers/logs", stream([event(samples.OK)], cut=False))
    busy.is_silent("GET", "/providers/costs")

    with Terminal(home, ("costs",)) as terminal:
        while not any(one.path == "/providers/costs" for one in busy.received):
            os.sched_yield()
        terminal.interrupt()
        assert terminal.end() == 130

    assert b"Traceback" not in terminal.seen


def test_a_key_is_typed_unseen(home: Path, shell: Shell) -> None:
    with Terminal(home, ("providers", "key", "groq")) as terminal:
        terminal.until(b"Key for groq (not shown): ")
        terminal.types("gsk_typed\n")
        assert terminal.end() == 0

    assert b"gsk_typed" not in terminal.seen
    assert '"gsk_typed"' in shell.paths.secrets_file.read_text()


def test_no_key_typed(home: Path) -> None:
    with Terminal(home, ("providers", "key", "groq")) as terminal:
        terminal.until(b"(not shown): ")
        terminal.types("\x04")
        assert terminal.end() == 1

    assert b"nothing was entered" in terminal.seen


def test_an_edit_can_be_tried_again(home: Path, tmp_path: Path) -> None:
    """The first try breaks the file, the second makes it whole."""
    editor = tmp_path / "editor"
    editor.write_text(
        "#!/bin/sh\n"
        'if grep -q nonsense "$1"; then sed -i \'s/nonsense/# sense/\' "$1"; else echo nonsense >> "$1"; fi\n'
    )
    editor.chmod(0o755)

    with Terminal(home, ("config", "edit"), {"EDITOR": str(editor)}) as terminal:
        terminal.until(b"Edit again? [Y/n] ")
        terminal.types("\n")
        assert terminal.end() == 0

    assert (home / "config.toml").read_text().endswith("# sense\n")


def test_an_edit_can_be_given_up(home: Path) -> None:
    with Terminal(home, ("config", "edit"), {"EDITOR": "sh -c 'echo nonsense >> \"$1\"' editor"}) as terminal:
        terminal.until(b"Edit again? [Y/n] ")
        terminal.types("n\n")
        assert terminal.end() == 4

    assert "nonsense" not in (home / "config.toml").read_text()


def test_a_text_that_was_kept_is_gone_on_with(home: Path) -> None:
    """What was given up yesterday is offered, mended, and put in place."""
    broken = {"EDITOR": "sh -c 'echo nonsense >> \"$1\"' editor"}
    with Terminal(home, ("config", "edit"), broken) as terminal:
        terminal.until(b"Edit again? [Y/n] ")
        terminal.types("n\n")
        terminal.end()

    with Terminal(home, ("config", "edit"), {"EDITOR": "sed -i s/nonsense/#mended/"}) as terminal:
        terminal.until(b"Go on with it? [Y/n] ")
        terminal.types("\n")
        assert terminal.end() == 0

    assert (home / "config.toml").read_text().endswith("#mended\n")
    assert list(home.glob("*draft*")) == []


def test_a_kept_text_that_is_not_wanted_stays(home: Path) -> None:
    kept = home / "config.draft.toml"
    kept.write_text("nonsense\n")

    with Terminal(home, ("config", "edit"), {"EDITOR": "true"}) as terminal:
        terminal.until(b"Go on with it? [Y/n] ")
        terminal.types("n\n")
        assert terminal.end() == 0

    assert b"Nothing was changed." in terminal.seen
    assert [path.name for path in home.glob("*draft*")] == ["config.draft.toml"]
    assert kept.read_text() == "nonsense\n"
