"""What a stream of Anthropic's messages dialect must look like, byte for byte; the SDK forgives nearly everything.

    stream = message_start , { ping } , { block } , message_delta+ , message_stop
           | … , error                      (terminal, no message_stop follows)
    block  = content_block_start(n) , { content_block_delta(n) | ping } , content_block_stop(n)
    n      = 0, 1, 2 … without a gap, one block open at a time

Source: wire notes 2026-11, "streaming grammars". `check` raises AssertionError with what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

DELTAS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
}
STARTS: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}


@dataclass
class Stream:
    """What was said. `error` is the error's type when the stream ended in one."""

    message: dict[str, Any]
    blocks: list[dict[str, Any]] = field(default_factory=list)
    stop_reason: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def complete(self) -> bool:
        return self.error is None


def check(body: bytes) -> Stream:
    """Read a whole stream and hold it against the grammar."""
    events = list(_events(body))
    assert events, "no event at all"
    kind, first = events.pop(0)
    assert kind == "message_start", f"it begins with {kind}"
    stream = _started(first)
    last, final = events.pop()
    assert last in {"message_stop", "error"}, f"it ends with {last}"
    reader = _Reader(stream)
    for kind, event in events:
        reader.take(kind, event)
    if last == "error":
        assert isinstance(final["error"]["type"], str)
        assert final["error"]["message"]
        stream.error = final["error"]["type"]
    else:
        assert final == {"type": "message_stop"}
        assert reader.open is None, "a block is open at the end"
        assert stream.stop_reason, "no message_delta said why it stopped"
    return stream


def _events(body: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """An event line, one data line, a blank line, nothing else; the name in both places is the same."""
    assert body.endswith(b"\n\n"), "the last event is not finished"
    for frame in body.removesuffix(b"\n\n").split(b"\n\n"):
        name, data = frame.split(b"\n")
        assert name.startswith(b"event: "), name
        assert data.startswith(b"data: "), data
        event: dict[str, Any] = json.loads(data.removeprefix(b"data: "))
        kind = name.removeprefix(b"event: ").decode()
        assert event["type"] == kind
        yield kind, event


def _started(event: dict[str, Any]) -> Stream:
    message = event["message"]
    assert (message["type"], message["role"], message["content"]) == ("message", "assistant", [])
    assert message["id"].startswith("msg_")
    assert (message["stop_reason"], message["stop_sequence"]) == (None, None)
    assert message["model"]
    assert message["usage"]["input_tokens"] > 0, "clients show the context's size from here"
    assert message["usage"]["output_tokens"] >= 0
    return Stream(message)


class _Reader:
    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.open: dict[str, Any] | None = None
        self._signatures = 0

    def take(self, kind: str, event: dict[str, Any]) -> None:
        match kind:
            case "ping":
                assert event == {"type": "ping"}
            case "content_block_start":
                self._start(event)
            case "content_block_delta":
                self._delta(event)
            case "content_block_stop":
                self._stop(event)
            case "message_delta":
                self._message_delta(event)
            case _:
                raise AssertionError(f"{kind} has no place in the middle")

    def _start(self, event: dict[str, Any]) -> None:
        assert self.open is None, "two blocks are open"
        assert self.stream.stop_reason is None, "a block behind message_delta"
        assert event["index"] == len(self.stream.blocks), "a gap between the blocks"
        block = event["content_block"]
        assert STARTS.get(block["type"], {}).items() <= block.items(), f"a block begins with {block}"
        if block["type"] == "tool_use":
            assert block["id"]
            assert block["name"]
        self.open = {**block, "json": ""}
        self._signatures = 0

    def _delta(self, event: dict[str, Any]) -> None:
        block, delta = self.open, event["delta"]
        assert block is not None, "a delta outside of a block"
        assert event["index"] == len(self.stream.blocks)
        assert delta["type"] in DELTAS[block["type"]], f"{delta['type']} in a {block['type']} block"
        assert self._signatures == 0, "something follows the signature"
        match delta["type"]:
            case "text_delta":
                assert delta["text"], "a text delta without text"
                block["text"] += delta["text"]
            case "thinking_delta":
                block["thinking"] += delta["thinking"]
            case "signature_delta":
                self._signatures += 1
                block["signature"] = delta["signature"]
            case "input_json_delta":
                block["json"] += delta["partial_json"]

    def _stop(self, event: dict[str, Any]) -> None:
        block = self.open
        assert block is not None, "a stop without a start"
        assert event == {"type": "content_block_stop", "index": len(self.stream.blocks)}
        text = block.pop("json")
        match block["type"]:
            case "text":
                assert block["text"], "an empty text block, which no history may hold"
            case "thinking":
                assert self._signatures == 1, f"{self._signatures} signatures"
                assert block["signature"]
            case "tool_use":
                block["input"] = json.loads(text or "{}")
                assert isinstance(block["input"], dict)
        self.stream.blocks.append(block)
        self.open = None

    def _message_delta(self, event: dict[str, Any]) -> None:
        assert self.open is None, "message_delta inside of a block"
        assert event["usage"]["output_tokens"] >= 0
        assert "stop_sequence" in event["delta"]
        self.stream.stop_reason = event["delta"]["stop_reason"] or self.stream.stop_reason
        self.stream.usage |= event["usage"]
