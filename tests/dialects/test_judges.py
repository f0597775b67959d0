"""The judges themselves: a stream with one thing wrong must not pass."""

from __future__ import annotations

import json

import pytest

from proxyctl.core.chat import DialectName
from tests.dialects.carried import translated
from tests.dialects.judges import seen_stream, unsealed
from tests.dialects.wire_cases import WIRE

CHAT: DialectName = "openai-chat"
MESSAGES: DialectName = "anthropic-messages"
WRONG = (AssertionError, KeyError, IndexError, StopIteration, ValueError, RuntimeError)


def sound(caller: DialectName) -> bytes:
    wire = (WIRE / "gemini_generate" / "parallel-calls" / "stream.sse").read_bytes()
    return translated("gemini-generate", caller, wire).sent


@pytest.mark.parametrize("caller", [CHAT, MESSAGES])
def test_a_sound_stream_passes(caller: DialectName) -> None:
    assert len(seen_stream(caller, sound(caller)).calls) == 3


@pytest.mark.parametrize(
    ("found", "put"),
    [
        (b"data: [DONE]\n\n", b""),
        (b"data: [DONE]\n\n", b"data: [DONE]\n\ndata: [DONE]\n\n"),
        (b'"role":"assistant",', b""),
        (b'"finish_reason":"tool_calls"', b'"finish_reason":null'),
        (b'"index":2,"id"', b'"index":3,"id"'),
        (b'"usage":null', b'"usage":{}'),
        (b'"choices":[],', b""),
        (b'"arguments":""', b'"arguments":"{"'),
        (b"\n\n", b"\n"),
        (b"chat.completion.chunk", b"chat.completion"),
        (b'"created":', b'"created":1'),
    ],
)
def test_a_chat_stream_with_one_fault_is_caught(found: bytes, put: bytes) -> None:
    stream = sound(CHAT)
    assert found in stream

    with pytest.raises(WRONG):
        seen_stream(CHAT, stream.replace(found, put, 1))


@pytest.mark.parametrize(
    ("found", "put"),
    [
        (b'event: message_stop\ndata: {"type":"message_stop"}\n\n', b""),
        (b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n', b""),
        (b'{"type":"content_block_stop","index":0}', b'{"type":"content_block_stop","index":1}'),
        (b"event: content_block_delta", b"event: content_block"),
        (b'"index":3', b'"index":7'),
        (b'"stop_reason":"tool_use"', b'"stop_reason":null'),
        (b'"type":"text_delta","text"', b'"type":"thinking_delta","thinking"'),
        (b'"input":{}', b'"input":{"a":1}'),
        (b"signature_delta", b"text_delta"),
        (b'{"type":"message_stop"}\n\n', b'{"type":"message_stop"}\n\ndata: [DONE]\n\n'),
        (b"\n\n", b"\r\n\r\n"),
    ],
)
def test_a_messages_stream_with_one_fault_is_caught(found: bytes, put: bytes) -> None:
    stream = sound(MESSAGES)
    assert found in stream

    with pytest.raises(WRONG):
        seen_stream(MESSAGES, stream.replace(found, put, 1))


def test_a_seal_is_read_as_it_is_documented() -> None:
    assert unsealed("EqQB") == ("anthropic-messages", "EqQB")
    assert unsealed("gws1.e30") == ("", "")
    packed = "gws1.eyJwIjoiZ2VtaW5pLWdlbmVyYXRlIiwicyI6WyJBQUFBIl19"
    assert unsealed(packed) == ("gemini-generate", "AAAA")
    with pytest.raises(json.JSONDecodeError):
        unsealed("gws1.AAAA")
