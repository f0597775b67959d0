"""The checkers of bytes accept what the dialects document, and see what the SDKs pass over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from . import chat_grammar, gemini_grammar
from .heard import Call, Heard, Json

Break = Callable[[list[Json]], object]
CALL = Call("call_1", "get_weather", {"city": "Lisbon"})
ARGUMENTS = json.dumps(CALL.arguments)


def chat_chunk(delta: Json, finish: str | None = None, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    same = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**same, "choices": [choice], "usage": None, **more}


def fragment(index: int, arguments: str, **more: Any) -> Json:
    name = {"name": CALL.name} if more else {}
    return {"tool_calls": [{"index": index, "function": {**name, "arguments": arguments}, **more}]}


def chat_chunks() -> list[Json]:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    return [
        chat_chunk({"role": "assistant", "content": ""}),
        chat_chunk({"reasoning": "Hm.", "reasoning_content": "Hm."}),
        chat_chunk({"content": "Let me see."}),
        chat_chunk(fragment(0, "", id=CALL.id, type="function")),
        chat_chunk(fragment(0, ARGUMENTS[:5])),
        chat_chunk(fragment(0, ARGUMENTS[5:])),
        chat_chunk({}, "tool_calls"),
        {**chat_chunk({}), "choices": [], "usage": usage},
    ]


def gemini_chunk(*parts: Json, **candidate: Any) -> Json:
    content = {"role": "model", "parts": list(parts)}
    return {"candidates": [{"content": content, **candidate}], "responseId": "r", "modelVersion": "m"}


def gemini_chunks() -> list[Json]:
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 4, "thoughtsTokenCount": 1, "totalTokenCount": 8}
    call = {"functionCall": {"id": CALL.id, "name": CALL.name, "args": CALL.arguments}, "thoughtSignature": "c2ln"}
    return [
        gemini_chunk({"text": "Hm.", "thought": True}),
        gemini_chunk({"text": "Let me see."}),
        gemini_chunk(call),
        gemini_chunk({"text": ""}, finishReason="STOP") | {"usageMetadata": usage},
    ]


def wire(chunks: list[Json]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


DONE = b"data: [DONE]\n\n"
ERROR: Json = {"error": {"message": "planned", "type": "server_error", "code": 500, "status": "INTERNAL"}}


def test_chat_stream_is_heard() -> None:
    heard = chat_grammar.check_stream(wire(chat_chunks()) + DONE)

    assert heard == Heard("Let me see.", "Hm.", (CALL,), "tool_calls")


def test_gemini_stream_is_heard() -> None:
    heard = gemini_grammar.check_stream(wire(gemini_chunks()))

    assert heard == Heard("Let me see.", "Hm.", (CALL,), "STOP")
    assert gemini_grammar.check_stream(wire(gemini_chunks()).replace(b"\n\n", b"\r\n\r\n")) == heard


CHAT_BREAKS: dict[str, Break] = {
    "no role": lambda chunks: chunks[0]["choices"][0]["delta"].pop("role"),
    "another id": lambda chunks: chunks[3].update(id="chatcmpl-2"),
    "two thoughts": lambda chunks: chunks[1]["choices"][0]["delta"].update(reasoning="Other."),
    "no finish": lambda chunks: chunks.pop(-2),
    "text after the finish": lambda chunks: chunks.insert(-1, chat_chunk({"content": "more"})),
    "no usage": lambda chunks: chunks.pop(),
    "usage twice": lambda chunks: chunks.append(chunks[-1]),
    "wrong sum": lambda chunks: chunks[-1]["usage"].update(total_tokens=8),
    "gap between calls": lambda chunks: chunks[3]["choices"][0]["delta"]["tool_calls"][0].update(index=1),
    "call without type": lambda chunks: chunks[3]["choices"][0]["delta"]["tool_calls"][0].pop("type"),
    "call named twice": lambda chunks: chunks[4]["choices"][0]["delta"]["tool_calls"][0].update(id="call_2"),
    "arguments cut short": lambda chunks: chunks.pop(5),
}


@pytest.mark.parametrize("broken", CHAT_BREAKS)
def test_broken_chat_stream_is_refused(broken: str) -> None:
    chunks = chat_chunks()
    CHAT_BREAKS[broken](chunks)

    with pytest.raises((AssertionError, KeyError, json.JSONDecodeError)):
        chat_grammar.check_stream(wire(chunks) + DONE)


GEMINI_BREAKS: dict[str, Break] = {
    "another answer": lambda chunks: chunks[1].update(responseId="s"),
    "unknown member": lambda chunks: chunks[1].update(choices=[]),
    "no finish": lambda chunks: chunks.pop(),
    "text after the finish": lambda chunks: chunks.append(chunks[1]),
    "wrong sum": lambda chunks: chunks[-1]["usageMetadata"].update(totalTokenCount=9),
    "arguments as text": lambda chunks: chunks[2]["candidates"][0]["content"]["parts"][0]["functionCall"].update(
        args=ARGUMENTS
    ),
    "call without id": lambda chunks: chunks[2]["candidates"][0]["content"]["parts"][0]["functionCall"].pop("id"),
}


@pytest.mark.parametrize("broken", GEMINI_BREAKS)
def test_broken_gemini_stream_is_refused(broken: str) -> None:
    chunks = gemini_chunks()
    GEMINI_BREAKS[broken](chunks)

    with pytest.raises((AssertionError, KeyError, ValueError)):
        gemini_grammar.check_stream(wire(chunks))


@pytest.mark.parametrize(
    "body",
    [
        wire(chat_chunks()),
        wire(chat_chunks()) + DONE + DONE,
        wire(chat_chunks()) + DONE.rstrip(),
        b": a comment\n\n" + wire(chat_chunks()) + DONE,
    ],
    ids=["no end", "two ends", "unfinished", "comment"],
)
def test_frames_of_a_chat_stream_are_checked(body: bytes) -> None:
    with pytest.raises(AssertionError):
        chat_grammar.check_stream(body)


@pytest.mark.parametrize("junk", [b": a comment\n\n", b"event: message\n\n", DONE], ids=["comment", "event", "done"])
def test_frames_of_a_gemini_stream_are_checked(junk: bytes) -> None:
    with pytest.raises((AssertionError, json.JSONDecodeError)):
        gemini_grammar.check_stream(wire(gemini_chunks()) + junk)


def test_a_stream_that_broke_is_told_by_its_last_frame() -> None:
    assert chat_grammar.check_broken(wire([*chat_chunks()[:3], ERROR])) == "planned"
    error = {"error": {name: ERROR["error"][name] for name in ("code", "message", "status")}}
    assert gemini_grammar.check_broken(wire([*gemini_chunks()[:2], error])) == "planned"


def test_a_stream_that_broke_and_said_that_it_was_complete_is_refused() -> None:
    with pytest.raises(AssertionError, match="complete"):
        chat_grammar.check_broken(wire([*chat_chunks()[:-1], ERROR]))
    with pytest.raises(AssertionError, match="complete"):
        gemini_grammar.check_broken(wire([*gemini_chunks(), ERROR]))


def test_whole_answers_are_heard() -> None:
    function = {"name": CALL.name, "arguments": ARGUMENTS}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": CALL.id, "type": "function", "function": function}],
    }
    answer = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }

    assert chat_grammar.check_whole(json.dumps(answer).encode()) == Heard("", "", (CALL,), "tool_calls")
    [*_, last] = gemini_chunks()
    assert gemini_grammar.check_whole(json.dumps(last).encode()) == Heard("", "", (), "STOP")
