"""The grammar's checker finds what it is there to find."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .messages_grammar import check

START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1},
    },
}
TEXT: list[dict[str, Any]] = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_stop", "index": 0},
]
CALL: list[dict[str, Any]] = [
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"k"'}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ":1}"}},
    {"type": "content_block_stop", "index": 1},
]
THOUGHT: list[dict[str, Any]] = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}},
    {"type": "content_block_stop", "index": 0},
]
END: list[dict[str, Any]] = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 5},
    },
    {"type": "message_stop"},
]
ERROR: dict[str, Any] = {"type": "error", "error": {"type": "api_error", "message": "cut"}}


def wire(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def test_whole_stream_is_read() -> None:
    stream = check(wire(START, {"type": "ping"}, *TEXT, *CALL, *END))

    assert [block["type"] for block in stream.blocks] == ["text", "tool_use"]
    assert (stream.blocks[0]["text"], stream.blocks[1]["input"]) == ("Hello", {"k": 1})
    assert (stream.stop_reason, stream.usage, stream.complete) == ("end_turn", {"output_tokens": 5}, True)


def test_stream_that_ends_in_an_error_is_not_complete() -> None:
    stream = check(wire(START, *TEXT[:2], ERROR))

    assert (stream.error, stream.complete) == ("api_error", False)


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        ([*TEXT, *END], "begins with"),
        ([START, *TEXT], "ends with"),
        ([START, *TEXT, END[1]], "why it stopped"),
        ([START, *TEXT, *END, ERROR], "no place in the middle"),
        ([START, *TEXT, ERROR, *END], "no place in the middle"),
        ([START, *TEXT[:2], *END], "inside of a block"),
        ([START, *TEXT[1:], *END], "outside of a block"),
        ([START, *CALL, *END], "a gap"),
        ([START, TEXT[0], *CALL, *END], "two blocks"),
        ([START, TEXT[0], TEXT[2], *END], "empty text block"),
        ([START, *END[:1], *TEXT, END[1]], "behind message_delta"),
        ([START, TEXT[0], THOUGHT[1], TEXT[2], *END], "thinking_delta in a text block"),
        ([START, *THOUGHT[:2], THOUGHT[3], *END], "0 signatures"),
        ([START, *THOUGHT[:3], THOUGHT[1], THOUGHT[3], *END], "follows the signature"),
        ([START, *TEXT, *CALL[:2], CALL[4], *END], "Expecting"),
    ],
)
def test_what_breaks_the_grammar_is_found(events: list[dict[str, Any]], wrong: str) -> None:
    with pytest.raises((AssertionError, json.JSONDecodeError), match=wrong):
        check(wire(*events))


@pytest.mark.parametrize(
    "broken",
    [
        wire(START, *TEXT, *END).removesuffix(b"\n"),
        wire(START, *TEXT, *END).replace(b"event: ping\n", b"").replace(b"event: message_stop\n", b""),
        wire(START, *TEXT, *END) + b"data: [DONE]\n\n",
        wire(START, *TEXT, *END).replace(b"event: message_stop", b"event: message_end"),
    ],
    ids=["unfinished", "nameless", "done", "misnamed"],
)
def test_broken_frames_are_found(broken: bytes) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check(broken)
