"""`chat`: the answer on standard output as it comes, everything else on standard error."""

from __future__ import annotations

import re

import msgspec
import pytest

from proxyctl.admin import schema
from tests.client.stand_in import StandIn, event, stream

from . import samples
from .shell import Shell, output

PATH = "/v1/chat/completions"
HEADERS = {"x_proxyctl_provider": "groq", "x_proxyctl_model": "llama-3"}


def delta(text: str | None = None, finish: str | None = None) -> bytes:
    return event({"choices": [{"delta": {"content": text}, "finish_reason": finish}]})


USAGE = event({"choices": [], "usage": {"prompt_tokens": 1_234, "completion_tokens": 2}})
WHOLE = [delta("Hi"), delta(" there"), delta(finish="stop"), USAGE, event(b"[DONE]")]


def without_times(text: str) -> str:
    return re.sub(r"\d[\d.]* m?s\b", "T", text)


def test_an_answer(daemon: StandIn, shell: Shell) -> None:
    daemon.says("POST", PATH, stream(WHOLE, **HEADERS))

    code, out, err = output(shell.run("chat", "Hello", "--model", "fast"))

    assert (code, out) == (0, "Hi there\n")
    assert without_times(err) == "groq:llama-3  1,234 in, 2 out  first after T  T\n"
    assert msgspec.json.decode(daemon.received[0].body)["messages"] == [{"role": "user", "content": "Hello"}]


def test_the_prompt_may_come_from_a_pipe(daemon: StandIn, shell: Shell) -> None:
    daemon.says("POST", PATH, stream(WHOLE))

    shell.run("chat", "-m", "fast", typed="From a pipe\n")

    assert msgspec.json.decode(daemon.received[0].body)["messages"][0]["content"] == "From a pipe"


def test_no_prompt(daemon: StandIn, shell: Shell) -> None:
    assert output(shell.run("chat", "-m", "fast", typed=" \n")) == (
        2,
        "",
        'error: there is no prompt\nhint: `proxyctl chat "Say hello"`\n',
    )
    assert daemon.received == []


def test_a_cut_answer_is_said_to_be_cut(daemon: StandIn, shell: Shell) -> None:
    daemon.says("POST", PATH, stream([delta("Half an ans")], **HEADERS))

    code, out, err = output(shell.run("chat", "Hello", "-m", "fast"))

    assert (code, out) == (1, "Half an ans\n")
    assert without_times(err) == (
        "groq:llama-3  tokens unknown  first after T  T\n"
        "error: the answer was cut: the answer stopped before its end\n"
        "hint: `proxyctl logs groq` shows what happened\n"
    )


def test_an_answer_that_ran_into_its_limit_says_so(daemon: StandIn, shell: Shell) -> None:
    daemon.says("POST", PATH, stream([delta("Long"), delta(finish="length")], **HEADERS, x_proxyctl_losses="2"))

    code, _, err = output(shell.run("chat", "Hello", "-m", "fast"))

    assert code == 0
    assert "ended by length\n" in err
    assert "Fields lost in translation: 2; `proxyctl logs` names them.\n" in err


def test_the_model_cannot_move_the_cursor(daemon: StandIn, shell: Shell) -> None:
    daemon.says("POST", PATH, stream([delta("a\x1b[2Jb\n"), delta(finish="stop")]))

    assert shell.run("chat", "Hello", "-m", "fast").stdout == "a�[2Jb\n"


@pytest.mark.parametrize(
    ("status", "hint"),
    [(404, "`proxyctl explain fast` shows why"), (503, "`proxyctl logs` shows what was tried")],
)
def test_a_refusal(daemon: StandIn, shell: Shell, status: int, hint: str) -> None:
    daemon.answers("POST", PATH, {"error": {"message": "nobody can", "code": "x"}}, status)

    assert output(shell.run("chat", "Hello", "-m", "fast")) == (1, "", f"error: nobody can\nhint: {hint}\n")


def test_no_daemon(shell: Shell) -> None:
    shell.has_config()

    assert shell.run("chat", "Hello").exit_code == 3


def asked_model(daemon: StandIn, shell: Shell, status: schema.StatusReport, models: schema.ModelsReport) -> str:
    daemon.answers("GET", "/providers/status", status)
    daemon.answers("GET", "/providers/models", models)
    daemon.says("POST", PATH, stream(WHOLE))
    assert shell.run("chat", "Hello").exit_code == 0
    model: str = msgspec.json.decode(daemon.received[-1].body)["model"]
    return model


def test_without_a_model_the_primary_s_cheapest_answers(daemon: StandIn, shell: Shell) -> None:
    assert asked_model(daemon, shell, samples.STATUS, samples.MODELS) == "gemini:gemini-3.5-flash-lite"


def test_without_a_primary_that_can_serve_another_answers(daemon: StandIn, shell: Shell) -> None:
    only_groq = schema.StatusReport(primary="gemini", providers=(samples.COHERE, samples.GROQ))

    assert asked_model(daemon, shell, only_groq, samples.MODELS) == "groq:openai/gpt-oss-20b"


def test_without_any_model(daemon: StandIn, shell: Shell) -> None:
    daemon.answers("GET", "/providers/status", samples.STATUS)
    daemon.answers("GET", "/providers/models", schema.ModelsReport(models=()))

    assert output(shell.run("chat", "Hello")) == (
        1,
        "",
        (
            "error: no provider that can serve has listed a model\n"
            "hint: `proxyctl health` shows who answers; or name a model: `proxyctl chat --model MODEL …`\n"
        ),
    )
