"""The commands that ask the daemon and show what it said."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.admin import schema
from proxyctl.cli.commands.models import INBOUND
from proxyctl.dialects import registry
from tests.client.stand_in import EVENTS, JSON, StandIn, event, raw, stream, whole

from . import samples
from .expected import check
from .shell import Shell, as_json, output

READS: list[tuple[str, str, Any]] = [
    ("status", "/daemon/status", samples.DAEMON),
    ("providers list", "/providers/status", samples.STATUS),
    ("models", "/providers/models", samples.MODELS),
    ("explain claude-sonnet-5-5", "/providers/plan", samples.PLAN),
    ("metrics", "/providers/metrics", samples.METRICS),
    ("metrics gemini", "/providers/metrics/gemini", samples.METRICS.providers[0]),
    ("logs", "/providers/logs", samples.LOGS),
    ("logs groq", "/providers/logs/groq", samples.LOGS),
    ("logs show px_1c1c1c1c1c1c1c1c1c1c", "/providers/records/px_1c1c1c1c1c1c1c1c1c1c", samples.MOVED),
    ("costs", "/providers/costs", samples.COSTS),
    ("health", "/providers/health", samples.HEALTH),
]
IDS = [read[0] for read in READS]


@pytest.mark.parametrize(("command", "path", "value"), READS, ids=IDS)
def test_what_is_shown(daemon: StandIn, shell: Shell, command: str, path: str, value: Any) -> None:
    daemon.answers("GET", path, value)

    code, out, err = output(shell.run(*command.split()))

    assert (code, err) == (0, "")
    check(f"command-{command.replace(' ', '-')}", out)


@pytest.mark.parametrize(("command", "path", "value"), READS, ids=IDS)
def test_json_is_the_api_s_own(daemon: StandIn, shell: Shell, command: str, path: str, value: Any) -> None:
    daemon.answers("GET", path, value)

    result = shell.run(*command.split(), "--json")

    assert as_json(result, type(value)) == value
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(("command", "path", "value"), READS, ids=IDS)
def test_the_token_of_the_state_file_is_used(
    daemon: StandIn, shell: Shell, command: str, path: str, value: Any
) -> None:
    daemon.answers("GET", path, value)

    shell.run(*command.split())

    assert [one.headers["authorization"] for one in daemon.received] == [f"Bearer {daemon.token}"]


@pytest.mark.parametrize("command", IDS)
def test_no_daemon(shell: Shell, command: str) -> None:
    shell.has_config()

    assert output(shell.run(*command.split())) == (
        3,
        "",
        "error: nothing answers at http://127.0.0.1:1\nhint: start it with `proxyctl start`\n",
    )


@pytest.mark.parametrize(("command", "path", "value"), READS, ids=IDS)
def test_a_daemon_that_refuses(daemon: StandIn, shell: Shell, command: str, path: str, value: Any) -> None:
    del value
    daemon.answers("GET", path, schema.AdminError(code="x", message="not now", hint="later"), 503)

    assert output(shell.run(*command.split())) == (1, "", "error: not now\nhint: later\n")


@pytest.mark.parametrize(("command", "path", "value"), READS, ids=IDS)
def test_something_else_on_the_port(daemon: StandIn, shell: Shell, command: str, path: str, value: Any) -> None:
    del value
    daemon.says("GET", path, whole(b"<html>It works!</html>", "text/html"))

    code, out, err = output(shell.run(*command.split()))

    assert (code, out) == (1, "")
    assert err.startswith(f"error: {daemon.address} does not answer as a proxyctl daemon: HTTP 200, text/html\nhint: ")


def test_a_daemon_that_hangs_up(daemon: StandIn, shell: Shell) -> None:
    daemon.says("GET", "/daemon/status", raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"))

    assert output(shell.run("status")) == (
        1,
        "",
        (
            f"error: {daemon.address} closed the connection in the middle of an answer\n"
            f"hint: `proxyctl status` shows whether it still runs\n"
        ),
    )


def test_a_silent_daemon(daemon: StandIn, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon.is_silent("GET", "/daemon/status")
    monkeypatch.setattr("proxyctl.client.connection.Endpoint.__init__.__defaults__", ("", 0.05))

    code, _, err = output(shell.run("status"))

    assert code == 1
    assert "took the request and did not answer within 0.05 s" in err
    assert "hint: `proxyctl restart` ends a daemon that hangs" in err


def test_a_provider_that_nobody_knows(daemon: StandIn, shell: Shell) -> None:
    error = schema.AdminError(code="unknown_provider", message="there is no provider 'grok'", hint="did you mean groq?")
    daemon.answers("GET", "/providers/metrics/grok", error, 404)

    assert output(shell.run("metrics", "grok")) == (
        2,
        "",
        "error: there is no provider 'grok'\nhint: did you mean groq?\n",
    )


def test_one_provider(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/status", samples.STATUS)

    result = shell.run("providers", "show", "gemini")

    assert (result.exit_code, result.stderr) == (0, "")
    check("command-providers-show", result.stdout)
    assert as_json(shell.run("providers", "show", "gemini", "--json"), schema.ProviderStatus) == samples.GEMINI


def test_one_provider_with_a_misspelt_name(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/status", samples.STATUS)

    assert output(shell.run("providers", "show", "gemni")) == (
        2,
        "",
        "error: there is no provider `gemni`\nhint: did you mean `gemini`?\n",
    )


def test_one_provider_with_a_name_like_none(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/status", samples.STATUS)

    assert shell.run("providers", "show", "zzz").stderr.endswith("hint: `proxyctl providers list` shows them\n")


def test_a_model_that_nobody_serves(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/plan", samples.NO_PLAN)

    code, out, err = output(shell.run("explain", "clade-sonnet-5-5"))

    assert code == 1
    assert "gemini  does not serve the model" in out
    assert err == (
        "error: no provider serves the model 'clade-sonnet-5-5'\n"
        "hint: did you mean `anthropic:claude-sonnet-5-5`?; `proxyctl models` lists them\n"
    )


def test_the_daemons_advice_is_told_and_what_the_table_says_is_not_said_again(daemon: StandIn, shell: Shell) -> None:
    """The daemon's hint is for callers who see no table; its advice is the same without what the table says."""
    skipped = (
        schema.PlanSkip(provider="gemini", reason="no key: set A; or B"),
        schema.PlanSkip(provider="groq", reason="off"),
    )
    plan = schema.PlanReport(
        model="nonsense",
        rule="unknown",
        skipped=skipped,
        error="no provider serves the model 'nonsense'",
        hint="did you mean `x:nonsens`?; no provider is named 'x'; gemini: no key: set A; or B; groq: off",
        advice=("did you mean `x:nonsens`?", "no provider is named 'x'"),
        suggestions=(schema.PlanSuggestion(name="x:nonsens", source="prices"),),
    )
    daemon.answers("GET", "/providers/plan", plan)

    err = shell.run("explain", "nonsense").stderr

    assert err.endswith("hint: did you mean `x:nonsens`?; no provider is named 'x'\n")


def test_a_strict_alias_is_said(daemon: StandIn, shell: Shell) -> None:
    plan = schema.PlanReport(model="fast", rule="alias", strict_alias="fa*", steps=samples.PLAN.steps)
    daemon.answers("GET", "/providers/plan", plan)

    out = shell.run("explain", "fast").stdout

    assert "strict  the alias fa* refuses what would lose something\n" in out


def test_a_model_like_none(daemon: StandIn, shell: Shell) -> None:
    plan = schema.PlanReport(model="nonsense", rule="unknown", error="no provider serves the model 'nonsense'")
    daemon.answers("GET", "/providers/plan", plan)

    assert shell.run("explain", "nonsense").stderr.endswith(
        "hint: `proxyctl models` lists what can be asked for, `proxyctl health` who answers\n"
    )


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ("explain", "x", "--dialect", "foo"),
            (
                "no client of the gateway speaks `foo`\n"
                "hint: the dialects are openai-chat, openai-responses, anthropic-messages, gemini-generate"
            ),
        ),
        (
            ("explain", "x", "--dialect", "openai-chatt"),
            "no client of the gateway speaks `openai-chatt`\nhint: did you mean `openai-chat`?",
        ),
        (
            ("logs", "--status", "foo"),
            "`foo` is no status\nhint: one like 429, one like 5xx, or ok, error, interrupted, client_closed or refused",
        ),
        (("logs", "--status", "eror"), "`eror` is no status\nhint: did you mean `error`?"),
        (("logs", "--status", "600", "-f"), "`600` is no status\nhint: one like 429"),
    ],
)
def test_a_word_that_is_none_of_those_allowed(
    daemon: StandIn, shell: Shell, words: tuple[str, ...], error: str
) -> None:
    code, out, err = output(shell.run(*words))

    assert (code, out) == (2, "")
    assert err.startswith(f"error: {error}")
    assert daemon.received == []


@pytest.mark.parametrize("status", ["429", "5xx", "5XX", "OK", "client_closed"])
def test_a_status_in_capitals_is_one_too(daemon: StandIn, shell: Shell, status: str) -> None:
    daemon.answers("GET", "/providers/logs", samples.LOGS)

    assert shell.run("logs", "--status", status).exit_code == 0
    assert daemon.received[0].query["status"] == status.lower()


def test_what_explain_asks(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/plan", samples.PLAN)

    shell.run("explain", "a:b c", "--dialect", "anthropic-messages")

    assert daemon.received[0].query == {"model": "a:b c", "dialect": "anthropic-messages"}


def test_health_when_nobody_can_serve(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/health", schema.HealthReport(ok=False, providers=()))

    assert shell.run("health").exit_code == 1


def test_health_asks_anew_on_request(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/health", samples.HEALTH)

    shell.run("health", "--check")

    assert daemon.received[0].query == {"check": "1"}


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ((), {"limit": "20"}),
        (("-n", "5"), {"limit": "5"}),
        (("--since", "10m"), {"limit": "20", "since": str(samples.NOW - 600)}),
        (("--since", "2 h"), {"limit": "20", "since": str(samples.NOW - 7_200)}),
        (("--since", "1795000000"), {"limit": "20", "since": "1795000000.0"}),
        (("--since", "2026-01-31T12:00:00+00:00"), {"limit": "20", "since": "1769860800.0"}),
        (("--status", "5xx", "--model", "llama*"), {"limit": "20", "status": "5xx", "model": "llama*"}),
    ],
)
def test_what_logs_asks(daemon: StandIn, shell: Shell, words: tuple[str, ...], query: dict[str, str]) -> None:
    daemon.answers("GET", "/providers/logs", samples.LOGS)

    shell.run("logs", *words)

    assert daemon.received[0].query == query


def test_a_time_that_is_none(daemon: StandIn, shell: Shell) -> None:
    assert output(shell.run("logs", "--since", "yesterday-ish")) == (
        2,
        "",
        "error: `yesterday-ish` is no time\nhint: for example `--since 10m`, `--since 2h`, `--since 2026-01-31`\n",
    )
    assert daemon.received == []


def test_a_request_that_is_not_kept(daemon: StandIn, shell: Shell) -> None:
    unknown = schema.AdminError(
        code="not_found", message="there is no record 'px_0'", hint="only the latest records are kept"
    )
    daemon.answers("GET", "/providers/records/px_0", unknown, status=404)

    assert output(shell.run("logs", "show", "px_0")) == (
        1,
        "",
        "error: there is no record 'px_0'\nhint: only the latest records are kept\n",
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show",), "`show` needs the ID of a request\nhint: `proxyctl logs --json` names it, and so does the answer"),
        (("show", "px_0", "px_1"), "`show px_0 px_1` is too much\nhint: `proxyctl logs NAME`, or"),
        (("show", ""), "`show ` is too much\nhint: `proxyctl logs NAME`, or `proxyctl logs show ID`"),
        (("groq", "px_0"), "`groq px_0` is too much\nhint: `proxyctl logs NAME`, or `proxyctl logs show ID`"),
        (
            ("show", "px_0", "-f"),
            "one request is neither filtered nor followed\nhint: `proxyctl logs show px_0` shows it",
        ),
        (("show", "px_0", "--model", "x"), "one request is neither filtered nor followed\nhint: "),
    ],
)
def test_words_that_name_no_log(daemon: StandIn, shell: Shell, words: tuple[str, ...], told: str) -> None:
    code, out, err = output(shell.run("logs", *words))

    assert (code, out) == (2, "")
    assert err.startswith(f"error: {told}")
    assert daemon.received == []


def test_a_provider_may_be_called_show(daemon: StandIn, shell: Shell) -> None:
    """Its log is meant where no id follows."""
    shell.has_config('[providers.show]\nmode = "pooled"\nbase_url = "http://127.0.0.1:1/v1"\nkeyless = true\n')
    daemon.answers("GET", "/providers/logs/show", samples.LOGS)

    assert shell.run("logs", "show").exit_code == 0
    assert daemon.received[-1].path == "/providers/logs/show"


def test_logs_are_followed_line_by_line(daemon: StandIn, shell: Shell) -> None:
    daemon.says("GET", "/providers/logs", stream([event(samples.OK, "record"), event(samples.REFUSED, "record")]))

    assert output(shell.run("logs", "--follow", "-n", "2")) == (
        0,
        (
            "05:59:58  200 ok  gemini:gemini-3.8-flash  1.2k in 345 out  $0.0012  1.23 s\n"
            "05:59:59  404 refused  nonsense (no provider)  0.4 ms\n"
            "    not_found: no provider serves the model 'nonsense'\n"
        ),
        "The daemon has ended the stream.\n",
    )
    assert daemon.received[0].query == {"limit": "2", "follow": "1"}


def test_followed_logs_as_json_are_one_a_line(daemon: StandIn, shell: Shell) -> None:
    daemon.says("GET", "/providers/logs", stream([event(samples.OK), event(samples.REFUSED)]))

    lines = shell.run("logs", "--follow", "--json").stdout.splitlines()

    assert len(lines) == 2
    assert '"id":"px_0b0b0b0b0b0b0b0b0b0b"' in lines[0]


def test_a_stream_that_breaks_is_a_failure(daemon: StandIn, shell: Shell) -> None:
    daemon.says("GET", "/providers/logs", stream([event(samples.OK)], cut=True))

    code, out, err = output(shell.run("logs", "-f"))

    assert (code, out.count("\n")) == (1, 1)
    assert "in the middle of an answer" in err


def test_live_metrics_in_a_pipe_are_lines(daemon: StandIn, shell: Shell) -> None:
    daemon.says("GET", "/providers/metrics", stream([event(samples.NO_METRICS), event(samples.METRICS)]))

    assert output(shell.run("metrics", "--live", columns=120)) == (
        0,
        (
            "06:00:00  0 requests  - ok  0 active  0 in 0 out  $0 cost  median -\n"
            "06:00:00  12,349 requests  99.6% ok  1 active  6.7M in 1.0M out  $12.35 + 2 unknown cost  median 812 ms\n"
        ),
        "The daemon has ended the stream.\n",
    )


def test_live_metrics_of_one_provider_as_json(daemon: StandIn, shell: Shell) -> None:
    found = samples.METRICS.providers[1]
    daemon.says("GET", "/providers/metrics/groq", stream([event(found)], EVENTS))

    assert as_json(shell.run("metrics", "groq", "--live", "--json"), schema.ProviderMetrics) == found


def test_counting_anew(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("POST", "/providers/metrics/reset", schema.ResetResult(reset_at=samples.NOW))

    assert output(shell.run("metrics", "--reset")) == (0, "Counting starts anew.\n", "")


def test_counting_anew_is_for_all(daemon: StandIn, shell: Shell) -> None:
    assert shell.run("metrics", "groq", "--reset").exit_code == 2
    assert daemon.received == []


def test_a_provider_is_asked(daemon: StandIn, shell: Shell) -> None:
    found = schema.ProviderHealth(name="groq", health="ok", detail="8 models", latency_ms=81.0)
    daemon.answers("POST", "/providers/groq/test", found)

    assert output(shell.run("providers", "test", "groq")) == (0, "groq: ok in 81 ms, 8 models\n", "")


def test_a_provider_that_fails_its_test(daemon: StandIn, shell: Shell) -> None:
    found = schema.ProviderHealth(name="groq", health="failing", detail="HTTP 401")
    daemon.answers("POST", "/providers/groq/test", found)

    assert output(shell.run("providers", "test", "groq")) == (1, "groq: failing, HTTP 401\n", "")
    assert shell.run("providers", "test", "groq", "--json").exit_code == 1


@pytest.mark.parametrize(
    ("changed", "shown"),
    [((), "groq: nothing was waiting\n"), (("groq: no longer waits",), "groq: no longer waits\n")],
)
def test_waits_are_dropped(daemon: StandIn, shell: Shell, changed: tuple[str, ...], shown: str) -> None:
    daemon.answers("POST", "/providers/groq/reset", schema.ReloadResult(changed=changed))

    assert output(shell.run("providers", "reset", "groq")) == (0, shown, "")


@pytest.mark.parametrize(
    ("changed", "shown"), [((), "nothing changed\n"), (("groq: off -> pooled",), "groq: off -> pooled\n")]
)
def test_reload(daemon: StandIn, shell: Shell, changed: tuple[str, ...], shown: str) -> None:
    daemon.answers("POST", "/daemon/reload", schema.ReloadResult(changed=changed))

    assert output(shell.run("reload")) == (0, shown, "")


def test_reload_of_a_broken_config(daemon: StandIn, shell: Shell) -> None:
    error = schema.AdminError(code="config_invalid", message="c.toml: line 3: mode: is wrong", hint="correct it")
    daemon.answers("POST", "/daemon/reload", error, 422)

    assert output(shell.run("reload")) == (
        4,
        "",
        "error: c.toml: line 3: mode: is wrong\nhint: correct it\n",
    )


def test_an_error_text_cannot_forge_the_screen(daemon: StandIn, shell: Shell) -> None:
    daemon.says("GET", "/daemon/status", whole(b'{"message":"a\\u001b[2Jb\\rc","code":"x"}', JSON, 500))

    assert shell.run("status").stderr == "error: a�[2Jb�c\n"


def test_the_dialects_of_explain_are_those_that_the_gateway_speaks() -> None:
    """The command may not import them: it would pay for every codec."""
    assert set(INBOUND) == set(registry.INBOUND)
