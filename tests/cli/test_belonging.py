"""Whose daemon answers: only this home's is believed, asked and changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from proxyctl.admin import schema
from proxyctl.cli.context import CliContext
from proxyctl.daemon.farewell import Progress, note_progress
from proxyctl.daemon.lock import DaemonLock, read_state
from tests.client.stand_in import StandIn

from . import samples
from .shell import Shell, as_json, output
from .terminal import run

ASKING = [
    ("status",),
    ("reload",),
    ("providers", "list"),
    ("providers", "show", "gemini"),
    ("providers", "test", "gemini"),
    ("providers", "reset", "gemini"),
    ("models",),
    ("explain", "x"),
    ("metrics",),
    ("metrics", "--live"),
    ("metrics", "--reset"),
    ("logs",),
    ("logs", "--follow"),
    ("costs",),
    ("costs", "--json"),
    ("health",),
    ("chat", "Hello", "-m", "x"),
]
IDS = [" ".join(words) for words in ASKING]


@pytest.fixture
def foreign(daemon: StandIn) -> StandIn:
    """The daemon of another home, which has the port of one that ran here before."""
    daemon.answers("GET", "/healthz", schema.Liveness(instance="another", version="0.1.0"))
    daemon.answers("GET", "/daemon/status", samples.DAEMON)
    daemon.answers("GET", "/providers/costs", samples.COSTS)
    return daemon


def refused(daemon: StandIn) -> str:
    return (
        f"error: the daemon at {daemon.address} is not this home's; it runs with {samples.DAEMON.config_path}\n"
        f"hint: `proxyctl start --port 0` starts this home's own; to ask that one, set PROXYCTL_HOME to its home\n"
    )


@pytest.mark.parametrize("words", ASKING, ids=IDS)
def test_another_home_s_daemon_is_not_taken_for_one_s_own(
    foreign: StandIn, shell: Shell, words: tuple[str, ...]
) -> None:
    assert output(shell.run(*words)) == (3, "", refused(foreign))
    assert {one.path for one in foreign.received} == {"/daemon/status"}


@pytest.mark.parametrize("words", ASKING, ids=IDS)
def test_it_is_not_told_the_token_either(foreign: StandIn, shell: Shell, words: tuple[str, ...]) -> None:
    shell.run(*words)

    assert [one for one in [*foreign.looks, *foreign.received] if "authorization" in one.headers] == []


def test_without_a_state_file_the_configured_port_proves_nothing(foreign: StandIn, shell: Shell) -> None:
    shell.paths.state_file.unlink()
    shell.has_config(f"[server]\nport = {foreign.port}\n")

    assert output(shell.run("costs")) == (3, "", refused(foreign))


def test_a_daemon_that_does_not_say_whose_it_is_is_foreign(foreign: StandIn, shell: Shell) -> None:
    foreign.answers("GET", "/daemon/status", schema.AdminError(code="x", message="a key is needed"), 401)

    code, _, err = output(shell.run("costs"))

    assert code == 3
    assert err.startswith(f"error: the daemon at {foreign.address} is not this home's\nhint: ")


def test_one_s_own_daemon_is_known_by_its_config_when_the_state_file_is_gone(foreign: StandIn, shell: Shell) -> None:
    shell.paths.state_file.unlink()
    config = shell.has_config(f"[server]\nport = {foreign.port}\n")
    foreign.answers("GET", "/daemon/status", structs.replace(samples.DAEMON, config_path=str(config)))

    assert shell.run("costs").exit_code == 0


def test_an_edit_does_not_reload_another_home_s_daemon(foreign: StandIn, shell: Shell) -> None:
    shell.has_config()

    result = shell.run("providers", "set", "groq", "pooled")

    assert output(result) == (
        0,
        "groq: off -> pooled\n",
        "No daemon runs: this counts from the next `proxyctl start`.\n",
    )
    assert [one.method for one in foreign.received] == ["GET"]


def with_config(shell: Shell, config: Path) -> CliContext:
    return CliContext(config, shell.environ, lambda: samples.NOW)


@pytest.mark.parametrize("words", [*ASKING, ("stop",), ("providers", "list", "--json")])
def test_a_named_config_that_is_missing_is_said(daemon: StandIn, shell: Shell, words: tuple[str, ...]) -> None:
    missing = shell.home / "nowhere.toml"

    done = shell.run(*words, context=with_config(shell, missing))

    assert output(done) == (
        4,
        "",
        (
            f"error: {missing}: there is no such file\n"
            "hint: `proxyctl config path` without --config and PROXYCTL_CONFIG shows the usual one\n"
        ),
    )
    assert daemon.received == []


def test_a_config_that_the_environment_names_must_be_there_too(shell: Shell) -> None:
    shell.environ["PROXYCTL_CONFIG"] = str(shell.home / "nowhere.toml")

    assert shell.run("costs").exit_code == 4


def test_a_daemon_goes_on_without_its_config_and_may_be_asked(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/costs", samples.COSTS)

    assert output(shell.run("costs", context=with_config(shell, shell.paths.config_file)))[0] == 0


def test_a_daemon_with_another_config_than_the_named_one_is_said_to_have_it(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/costs", samples.COSTS)
    shell.has_config()
    other = shell.home / "other.toml"
    other.write_text("")

    code, out, err = output(shell.run("costs", "--json", context=with_config(shell, other)))

    assert code == 0
    assert out.startswith("{")
    assert err == f"The daemon runs with {shell.paths.config_file}, not with {other}.\n"


def test_an_edit_of_another_config_is_none_of_the_daemon_s(daemon: StandIn, shell: Shell) -> None:
    text = shell.has_config().read_text()
    other = shell.home / "other.toml"
    other.write_text(text)

    result = shell.run("providers", "set", "groq", "pooled", context=with_config(shell, other))

    assert result.stdout == "groq: off -> pooled\n"
    assert (
        f"The running daemon has another config, {shell.paths.config_file}: nothing changes for it.\n" in result.stderr
    )
    assert [one.path for one in daemon.received] == []


def test_a_named_config_that_is_missing_at_a_real_prompt(tmp_path: Path) -> None:
    done = run(tmp_path, "--config", "nowhere.toml", "status")

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(f"error: {tmp_path / 'nowhere.toml'}: there is no such file\n")


@pytest.fixture
def going(shell: Shell) -> Shell:
    """A home whose daemon holds its lock and takes no connections any more."""
    shell.knows(9, "t")
    return shell


def test_a_daemon_that_finishes_what_runs_is_shown_with_what_is_open(going: Shell) -> None:
    lock = DaemonLock(going.paths)
    assert lock.acquire()
    note_progress(going.paths, Progress(instance="5e3c", active=2, seen_at=samples.NOW))
    try:
        code, out, err = output(going.run("status"))
        told = as_json(going.run("status", "--json"), schema.DaemonStatus)
        asked = output(going.run("costs"))
        going.has_config()
        edited = going.run("providers", "set", "groq", "pooled")
    finally:
        lock.release()

    assert (code, err) == (0, "")
    assert "stopping: it finishes what runs and takes nothing new" in out
    assert "2 requests" in out
    assert (told.draining, told.active_exchanges) == (True, 2)
    assert asked[0] == 3
    assert "is stopping: it finishes what runs and takes nothing new; 2 requests were open when last seen" in asked[2]
    assert edited.exit_code == 0


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ('{"event":"ready"}\nnot json\n{"event":"stopping"}\n', "is stopping: it finishes what runs"),
        ('{"event":"stopping"}\n{"event":"ready"}\n{"event":"other"}\n', "runs, but takes no connections at"),
        ("", "runs, but takes no connections at"),
    ],
)
def test_what_nobody_watches_is_told_from_the_log(going: Shell, log: str, said: str) -> None:
    going.paths.log_file.parent.mkdir(parents=True)
    going.paths.log_file.write_text(log)
    lock = DaemonLock(going.paths)
    assert lock.acquire()
    note_progress(going.paths, Progress(instance="of another start", active=7, seen_at=samples.NOW))
    try:
        code, _, err = output(going.run("status"))
    finally:
        lock.release()

    assert code == 3
    assert said in err
    assert "when last seen" not in err


def test_a_state_that_a_crash_has_left_is_no_daemon(going: Shell) -> None:
    assert read_state(going.paths.state_file) is not None

    assert output(going.run("status")) == (
        3,
        "",
        "error: nothing answers at http://127.0.0.1:9\nhint: start it with `proxyctl start`\n",
    )


def test_a_daemon_on_any_port_without_a_state_file_is_none(shell: Shell) -> None:
    shell.has_config("[server]\nport = 0\n")

    assert output(shell.run("costs")) == (
        3,
        "",
        "error: proxyctl is not running\nhint: start it with `proxyctl start`\n",
    )


def test_the_command_line_s_own_context_names_a_config_only_when_told(shell: Shell) -> None:
    context = CliContext(None, shell.environ)

    assert not context.names_config
    assert replace(context, config=Path("x")).names_config
