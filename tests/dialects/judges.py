"""Read what a caller gets with the caller's own SDK, and with a grammar of our own where the SDK looks away.

SDKs do not notice a missing terminator, a block left open, or an unfinished tool call; the two grammar checkers do
(wire notes 2026-11, "streaming grammars" and "independent judges"). Nothing here knows our encoders.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from msgspec import Struct
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from proxyctl.core.chat import DialectName
from tests.dialects.responses_judge import check_grammar, check_response, proofs_of

Json = dict[str, Any]
Call = tuple[str, str, Any]
"""A tool call: its id, its name, its arguments as a value."""

_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_DELTAS = {
    "text_delta": "text",
    "input_json_delta": "tool_use",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "citations_delta": "text",
}


class Seen(Struct, frozen=True):
    """An answer as its caller sees it. `finish` and `usage` are in the caller's own words and counts.

    `proofs` are the signatures in order, each behind its origin; `("", "")` where a slot holds none.
    """

    id: str
    model: str
    text: str
    thinking: str
    calls: tuple[Call, ...]
    finish: str
    refusal: str | None
    usage: Json
    stop_sequence: str | None = None
    redacted: tuple[str, ...] = ()
    proofs: tuple[tuple[str, str], ...] = ()


def seen_stream(dialect: DialectName, sent: bytes) -> Seen:
    """Judge a complete stream. Raises `AssertionError`, or whatever the SDK raises, when something is wrong."""
    if dialect == "openai-responses":
        return _seen_response(check_grammar(sent))
    return _chat_stream(sent) if dialect == "openai-chat" else _messages_stream(sent)


def seen_whole(dialect: DialectName, body: bytes) -> Seen:
    document = json.loads(body)
    if dialect == "openai-responses":
        return _seen_response(document)
    if dialect == "openai-chat":
        return _seen_chat(ChatCompletion.model_validate(document), document.get("usage") or {})
    return _seen_message(Message.model_validate(document), document["usage"])


def chat_chunks(sent: bytes) -> list[Json]:
    """The chunks of a stream, each frame checked to be one `data:` line; `[DONE]` is left out."""
    lines = _frames(sent)
    assert all(line.startswith("data: ") and "\n" not in line for line in lines)
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


def message_events(sent: bytes) -> list[Json]:
    """The events of a stream, each checked to bear its name twice."""
    events = []
    for frame in _frames(sent):
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


def unsealed(signature: str) -> tuple[str, str]:
    """Whose signature stands in a messages client's slot: its own provider's, or another's in an envelope."""
    if not signature.startswith("gws1."):
        return "anthropic-messages", signature
    packed = signature.removeprefix("gws1.")
    content = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    return content.get("p", ""), "".join(content.get("s", []))


def check_chat_grammar(sent: bytes) -> None:
    chunks = chat_chunks(sent)
    assert sent.endswith(b"data: [DONE]\n\n")
    assert sent.count(b"[DONE]") == 1
    assert len({(one["id"], one["object"], one["created"], one["model"]) for one in chunks}) == 1
    assert chunks[0]["object"] == "chat.completion.chunk"
    *spoken, ended, counted = chunks
    assert spoken[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    for chunk in [*spoken, ended]:
        assert chunk["usage"] is None
        assert [choice["index"] for choice in chunk["choices"]] == [0]
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in spoken)
    assert all(chunk["choices"][0]["delta"] for chunk in spoken)
    assert ended["choices"][0]["delta"] == {}
    assert ended["choices"][0]["finish_reason"]
    assert counted["choices"] == []
    assert counted["usage"]["total_tokens"] == counted["usage"]["prompt_tokens"] + counted["usage"]["completion_tokens"]
    _check_fragments([call for chunk in spoken for call in chunk["choices"][0]["delta"].get("tool_calls", ())])


def _check_fragments(fragments: list[Json]) -> None:
    """The first fragment of a call names it, the others only write; calls are numbered from 0 without a gap."""
    known: list[int] = []
    for fragment in fragments:
        if fragment["index"] in known:
            assert set(fragment) == {"index", "function"}
            assert set(fragment["function"]) == {"arguments"}
            continue
        assert fragment["index"] == len(known)
        known.append(fragment["index"])
        assert fragment["id"]
        assert fragment["type"] == "function"
        assert fragment["function"]["name"]
        assert fragment["function"]["arguments"] == ""


def check_messages_grammar(sent: bytes) -> None:
    events = [event for event in message_events(sent) if event["type"] != "ping"]
    assert b"[DONE]" not in sent
    assert [event["type"] for event in events[:1] + events[-2:]] == ["message_start", "message_delta", "message_stop"]
    start = events[0]["message"]
    assert (start["content"], start["stop_reason"], start["stop_sequence"]) == ([], None, None)
    assert events[-2]["delta"]["stop_reason"]
    assert events[-2]["usage"]["output_tokens"] >= 0
    blocks = events[1:-2]
    index = 0
    while blocks:
        ended = next(at for at, event in enumerate(blocks) if event["type"] == "content_block_stop")
        _check_block(blocks[: ended + 1], index)
        blocks, index = blocks[ended + 1 :], index + 1


def _check_block(events: list[Json], index: int) -> None:
    """One block: a start, its own kind of deltas, an end; a signature once, as the last delta."""
    start, *deltas, _ = events
    assert start["type"] == "content_block_start"
    assert {event["index"] for event in events} == {index}
    assert {event["type"] for event in deltas} <= {"content_block_delta"}
    kinds = [event["delta"]["type"] for event in deltas]
    kind = start["content_block"]["type"]
    assert all(_DELTAS[delta] == kind for delta in kinds)
    match kind:
        case "text":
            assert start["content_block"] == {"type": "text", "text": ""}
            assert kinds
        case "thinking":
            assert start["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
            assert kinds.count("signature_delta") == 1
            assert kinds[-1] == "signature_delta"
        case "tool_use":
            assert start["content_block"]["input"] == {}
            pieces = "".join(event["delta"]["partial_json"] for event in deltas)
            assert isinstance(json.loads(pieces or "{}"), dict)
        case "redacted_thinking":
            assert not deltas
        case _:
            raise AssertionError(f"a block of kind {kind}")


def _frames(sent: bytes) -> list[str]:
    assert sent.endswith(b"\n\n")
    assert b"\r" not in sent
    return sent.decode().removesuffix("\n\n").split("\n\n")


def _chat_stream(sent: bytes) -> Seen:
    check_chat_grammar(sent)
    state = ChatCompletionStreamState()
    chunks = chat_chunks(sent)
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    # Not `get_final_completion`, which raises for what was cut by length or filtered.
    whole = state.current_completion_snapshot.model_dump() | {"object": "chat.completion"}
    return _seen_chat(ChatCompletion.model_validate(whole), chunks[-1]["usage"])


def _messages_stream(sent: bytes) -> Seen:
    check_messages_grammar(sent)
    message: Any = None
    buffers: dict[int, bytes] = {}
    events = message_events(sent)
    for event in events:
        message = accumulate_event(event=_EVENT.validate_python(event), current_snapshot=message, json_bufs=buffers)
    whole = Message.model_validate(message.model_dump())
    return _seen_message(whole, events[0]["message"]["usage"] | events[-2]["usage"])


def _seen_chat(completion: ChatCompletion, usage: Json) -> Seen:
    [choice] = completion.choices
    message = choice.message
    extra = message.model_extra or {}
    assert extra.get("reasoning_content") == extra.get("reasoning")
    calls, proofs = [], []
    for call in message.tool_calls or ():
        assert call.type == "function"
        calls.append((call.id, call.function.name, json.loads(call.function.arguments)))
        google = (call.model_extra or {}).get("extra_content", {}).get("google", {})
        if "thought_signature" in google:
            proofs.append(("gemini-generate", google["thought_signature"]))
    return Seen(
        id=completion.id,
        model=completion.model,
        text=message.content or "",
        thinking=extra.get("reasoning") or "",
        calls=tuple(calls),
        finish=choice.finish_reason,
        refusal=message.refusal,
        usage=usage,
        proofs=tuple(proofs),
    )


def _seen_message(message: Message, usage: Json) -> Seen:
    texts, thoughts, calls, redacted, proofs = [], [], [], [], []
    for block in message.content:
        match block.type:
            case "text":
                assert block.text
                texts.append(block.text)
            case "thinking":
                thoughts.append(block.thinking)
                proofs.append(unsealed(block.signature))
            case "redacted_thinking":
                redacted.append(block.data)
            case "tool_use":
                calls.append((block.id, block.name, block.input))
            case _:
                raise AssertionError(block.type)
    details = message.stop_details
    return Seen(
        id=message.id,
        model=message.model,
        text="".join(texts),
        thinking="".join(thoughts),
        calls=tuple(calls),
        finish=message.stop_reason or "",
        refusal=details.explanation if details is not None else None,
        usage=usage,
        stop_sequence=message.stop_sequence,
        redacted=tuple(redacted),
        proofs=tuple(proofs),
    )


def _seen_response(document: Json) -> Seen:
    response = check_response(document)
    thoughts, refusals, calls = [], [], []
    for item in response.output:
        match item.type:
            case "reasoning":
                assert item.summary or item.encrypted_content  # else there was nothing to tell
                thoughts += [part.text for part in item.summary]
            case "message":
                refusals += [part.refusal for part in item.content if part.type == "refusal"]
            case "function_call":
                calls.append((item.call_id, item.name, json.loads(item.arguments)))
            case "custom_tool_call":
                calls.append((item.call_id, item.name, {"input": item.input}))
            case _:
                raise AssertionError(item.type)
    proofs, redacted = proofs_of(document)
    reason = response.incomplete_details.reason if response.incomplete_details is not None else None
    return Seen(
        id=response.id,
        model=response.model,
        text=response.output_text,
        thinking="".join(thoughts),
        calls=tuple(calls),
        finish=f"{response.status}/{reason}" if reason else str(response.status),
        refusal="".join(refusals) or None,
        usage=document["usage"],
        redacted=tuple(redacted),
        proofs=tuple(proofs),
    )
