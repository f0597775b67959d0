"""Legacy completions: passed on where the provider has them, else a prompt becomes a user's message."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxyctl.simulator import Fault
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import Upstream, response, streamed

PATH = "/v1/completions"
PASSING = ["local:gpt-4.1", "together:Qwen/Qwen3.8-Flash"]
TRANSLATING = [
    "gemini:gemini-3.8-flash",
    "anthropic:claude-sonnet-5-5",
    "groq:llama-3.3-70b-versatile",
    "cohere:command-a-plus-05-2026",
    "mistral:mistral-large-4",
]


def ask(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "prompt": "Good morning", "max_tokens": 400, **more}


def frames_of(text: str) -> list[Any]:
    frames = [frame.removeprefix("data: ") for frame in text.split("\n\n") if frame]
    return [frame if frame == "[DONE]" else msgspec.json.decode(frame) for frame in frames]


@pytest.mark.parametrize("model", [*PASSING, *TRANSLATING])
async def test_a_prompt_is_answered_with_text(gateway: Gateway, model: str) -> None:
    answer = await gateway.http.post(PATH, json=ask(model))

    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body["object"] == "text_completion"
    assert body["id"].startswith("cmpl-")
    assert body["choices"][0]["text"].endswith("You wrote: Good morning")
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["total_tokens"] > 0
    assert f"{answer.headers['x-proxyctl-provider']}:{body['model']}" == model
    [record] = await gateway.records(1)
    assert record.lane == ("passthrough" if model in PASSING else "translate")
    assert (record.dialect, record.outcome, record.finish) == ("openai-completions", "ok", "end")


@pytest.mark.parametrize("model", [*PASSING, *TRANSLATING])
async def test_a_stream_says_the_same_and_ends_with_its_terminator(gateway: Gateway, model: str) -> None:
    whole = (await gateway.http.post(PATH, json=ask(model))).json()

    answer = await gateway.http.post(PATH, json=ask(model, stream=True, stream_options={"include_usage": True}))

    *chunks, done = frames_of(answer.text)
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert done == "[DONE]"
    assert "".join(choice["text"] for choice in choices) == whole["choices"][0]["text"]
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
    assert chunks[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
    newest, _ = await gateway.records(2)
    assert (newest.outcome, newest.finish) == ("ok", "end")
    assert newest.usage is not None
    assert newest.usage.source == "reported"


@pytest.mark.parametrize("model", [PASSING[0], TRANSLATING[0]])
async def test_a_length_is_told_as_length(gateway: Gateway, model: str) -> None:
    answer = await gateway.http.post(PATH, json=ask(model, max_tokens=1))

    assert answer.json()["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("model", [PASSING[0], TRANSLATING[0]])
async def test_a_cut_stream_has_no_terminator(gateway: Gateway, model: str) -> None:
    gateway.simulator.fault(Fault(kind="cut", provider="*", after_frames=3))

    answer = await gateway.http.post(PATH, json=ask(model, stream=True))

    last = frames_of(answer.text)[-1]
    assert last["error"]["message"]
    [record] = await gateway.records(1)
    assert record.outcome == "interrupted"


@pytest.mark.parametrize(
    "more", [{"suffix": "end"}, {"n": 2}, {"best_of": 3}, {"prompt": ["a", "b"]}, {"prompt": [1, 2]}]
)
async def test_what_would_be_another_question_is_refused(gateway: Gateway, more: dict[str, Any]) -> None:
    answer = await gateway.http.post(PATH, json=ask(TRANSLATING[0], **more))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported")


async def test_what_chat_cannot_carry_is_a_loss(gateway: Gateway) -> None:
    answer = await gateway.http.post(PATH, json=ask(TRANSLATING[0], echo=True, logprobs=3, n=1, user="me"))

    assert (answer.status_code, answer.headers["x-proxyctl-losses"]) == (200, "2")


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": None},
        {"prompt": 5},
        {"prompt": ""},
        {"max_tokens": "x"},
        {"max_tokens": 0},
        {"stop": 5},
        {"model": ""},
    ],
)
async def test_malformed_requests_are_told_in_openais_form(gateway: Gateway, more: dict[str, Any]) -> None:
    answer = await gateway.http.post(PATH, json=ask(TRANSLATING[0]) | more)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "said",
    [b'{"choices":[]}', b'{"error":{"message":"no"}}', b'{"object":"x"}', b'{"choices":[{"finish_reason":"error"}]}'],
)
async def test_an_empty_or_failed_answer_is_none(gate: Gateway, upstream: Upstream, said: bytes) -> None:
    upstream.answer = response(said)

    answer = await gate.http.post(PATH, json=ask("local:m"))

    assert answer.status_code >= 500
    [record] = await gate.records(1)
    assert record.outcome == "error"


async def test_a_passing_stream_without_a_finish_is_interrupted(gate: Gateway, upstream: Upstream) -> None:
    upstream.answer = streamed(b'{"choices":[{"text":"a","index":0,"finish_reason":null}]}', b"[DONE]")
    upstream.keep = False

    answer = await gate.http.post(PATH, json=ask("local:m", stream=True))

    assert "[DONE]" not in answer.text
    assert frames_of(answer.text)[-1]["error"]
