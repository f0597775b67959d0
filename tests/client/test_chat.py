"""A chat answer: its text as it comes, and an honest end."""

from __future__ import annotations

import msgspec
import pytest

from proxyctl.client.chat import ChatEnd, chat
from proxyctl.client.errors import RefusedError, StrangerError

from .stand_in import StandIn, event, stream

PATH = "/v1/chat/completions"
HEADERS = {"x_proxyctl_provider": "groq", "x_proxyctl_model": "llama-3", "x_proxyctl_request_id": "px_1"}


def delta(text: str | None = None, finish: str | None = None) -> bytes:
    return event(
        {"id": "1", "model": "llama-3", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}
    )


USAGE = event({"id": "1", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}})
DONE = event(b"[DONE]")


def run(daemon: StandIn) -> tuple[list[str], ChatEnd]:
    pieces = chat(daemon.endpoint, "Hello", "fast")
    texts = []
    while True:
        try:
            texts.append(next(pieces))
        except StopIteration as stop:
            return texts, stop.value


def test_a_complete_answer(daemon: StandIn) -> None:
    wire = [delta(""), delta("Hi"), delta(" there"), delta(finish="stop"), USAGE, DONE]
    daemon.says("POST", PATH, stream(wire, **HEADERS))

    texts, end = run(daemon)

    assert texts == ["Hi", " there"]
    assert end == ChatEnd(
        provider="groq", served="llama-3", request_id="px_1", finish="stop", input_tokens=7, output_tokens=2
    )


def test_what_is_asked(daemon: StandIn) -> None:
    daemon.says("POST", PATH, stream([delta("x", "stop"), DONE]))

    run(daemon)

    assert msgspec.json.decode(daemon.received[0].body) == {
        "model": "fast",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_usage_that_nobody_reported_is_unknown(daemon: StandIn) -> None:
    daemon.says("POST", PATH, stream([delta("x", "stop"), DONE]))

    _, end = run(daemon)

    assert (end.input_tokens, end.output_tokens) == (None, None)


def test_a_finish_without_the_last_mark_is_complete(daemon: StandIn) -> None:
    daemon.says("POST", PATH, stream([delta("x", "stop")]))

    assert run(daemon)[1].cut == ""


def test_a_finish_before_a_cut_is_complete(daemon: StandIn) -> None:
    daemon.says("POST", PATH, stream([delta("x"), delta(finish="length"), b": bye\n\n" * 2], cut=True))

    _, end = run(daemon)

    assert (end.finish, end.cut) == ("length", "")


@pytest.mark.parametrize("last", [b"", DONE])
def test_an_end_without_a_finish_is_a_cut(daemon: StandIn, last: bytes) -> None:
    daemon.says("POST", PATH, stream([delta("half"), *([last] if last else [])]))

    texts, end = run(daemon)

    assert texts == ["half"]
    assert end.cut == "the answer stopped before its end"


def test_an_error_in_the_stream_is_a_cut(daemon: StandIn) -> None:
    daemon.says("POST", PATH, stream([delta("half"), event({"error": {"message": "the provider hung up"}})]))

    assert run(daemon)[1].cut == "the provider hung up"


def test_a_broken_connection_is_a_cut(daemon: StandIn) -> None:
    daemon.says("POST", PATH, stream([delta("half")], cut=True))

    _, end = run(daemon)

    assert end.cut == f"{daemon.address} closed the connection in the middle of an answer"


def test_garbage_is_a_cut(daemon: StandIn) -> None:
    daemon.says("POST", PATH, stream([delta("half"), event(b"{nonsense")]))

    assert run(daemon)[1].cut == "a piece of the answer cannot be read"


def test_losses_are_told(daemon: StandIn) -> None:
    daemon.says("POST", PATH, stream([delta("x", "stop")], x_proxyctl_losses="2"))

    assert run(daemon)[1].losses == "2"


def test_a_refusal(daemon: StandIn) -> None:
    daemon.answers("POST", PATH, {"error": {"message": "no such model", "type": "x", "code": "not_found"}}, 404)

    with pytest.raises(RefusedError, match="no such model"):
        run(daemon)


def test_an_answer_that_is_no_stream(daemon: StandIn) -> None:
    daemon.answers("POST", PATH, {"choices": []})

    with pytest.raises(StrangerError, match="no event stream came"):
        run(daemon)
