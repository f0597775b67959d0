"""What a caller must be told of a canonical answer, worked out by hand from the documented tables.

The tables are those of the wire notes 2026-11: "stop reasons", "usage conversion", "reasoning". Our encoders are not
asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from msgspec.structs import replace

from proxyctl.core.chat import (
    Answer,
    DialectName,
    Part,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from proxyctl.core.usage import Usage
from tests.dialects.carried import CONTEXT
from tests.dialects.judges import Call, Json, Seen

CHAT_FINISH = {
    "end": "stop",
    "stop_sequence": "stop",
    "pause": "stop",
    "length": "length",
    "context_window": "length",
    "tool": "tool_calls",
    "refusal": "content_filter",
}
MESSAGES_FINISH = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "pause": "pause_turn",
    "length": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "tool": "tool_use",
    "refusal": "refusal",
}

RESPONSES_FINISH = {
    "end": "completed",
    "stop_sequence": "completed",
    "pause": "completed",
    "length": "incomplete/max_output_tokens",
    "context_window": "incomplete/max_output_tokens",
    "tool": "completed",
    "refusal": "incomplete/content_filter",
}
ID_PREFIXES: dict[DialectName, str] = {
    "openai-chat": "chatcmpl-",
    "openai-responses": "resp_",
    "anthropic-messages": "msg_",
}


def told(dialect: DialectName, answer: Answer) -> Seen:
    """The answer as `judges` must see it. Its id and its usage are compared apart."""
    if dialect == "openai-responses":
        return _told_responses(answer)
    return (_told_chat if dialect == "openai-chat" else _told_messages)(answer)


def check_id(dialect: DialectName, answer: Answer, identifier: str) -> None:
    """An id has its dialect's form, and still shows the provider's own."""
    prefix = ID_PREFIXES[dialect]
    if not answer.id:
        assert identifier.startswith(prefix)
        return
    assert identifier == (answer.id if answer.id.startswith(prefix) else prefix + answer.id.replace(":", ""))


def check_usage(dialect: DialectName, usage: Usage | None, said: Json) -> None:
    """The identities of "usage conversion"; where nobody reported any, an estimate is all that can be asked."""
    if dialect == "openai-chat":
        _check_chat_usage(usage, said)
    elif dialect == "openai-responses":
        _check_responses_usage(usage, said)
    else:
        _check_messages_usage(usage, said)


def _check_chat_usage(usage: Usage | None, said: Json) -> None:
    if usage is None:
        assert said.get("prompt_tokens", CONTEXT.input_estimate) == CONTEXT.input_estimate
        return
    fresh, cached, written = usage.input, usage.cache_read, usage.cache_write + usage.cache_write_5m
    written += usage.cache_write_1h
    assert said["prompt_tokens"] == fresh + cached + written + usage.tool_input
    assert said["completion_tokens"] == usage.output + usage.reasoning
    assert said["total_tokens"] == said["prompt_tokens"] + said["completion_tokens"]
    assert said["prompt_tokens_details"]["cached_tokens"] == cached
    assert said["prompt_tokens_details"].get("cache_write_tokens", 0) == written
    assert said["completion_tokens_details"]["reasoning_tokens"] == usage.reasoning


def _check_responses_usage(usage: Usage | None, said: Json) -> None:
    if usage is None:
        assert said["input_tokens"] == CONTEXT.input_estimate
        return
    written = usage.cache_write + usage.cache_write_5m + usage.cache_write_1h
    assert said["input_tokens"] == usage.input + usage.cache_read + written + usage.tool_input
    assert said["output_tokens"] == usage.output + usage.reasoning
    assert said["input_tokens_details"] == {"cached_tokens": usage.cache_read, "cache_write_tokens": written}
    assert said["output_tokens_details"] == {"reasoning_tokens": usage.reasoning}


def _check_messages_usage(usage: Usage | None, said: Json) -> None:
    if usage is None:
        assert said["input_tokens"] == CONTEXT.input_estimate
        return
    written = usage.cache_write + usage.cache_write_5m + usage.cache_write_1h
    split = said.get("cache_creation") or {}
    assert said["input_tokens"] == usage.input + usage.tool_input
    assert said["cache_read_input_tokens"] == usage.cache_read
    assert said["cache_creation_input_tokens"] == written
    assert sum(split.values()) == (written if split else 0)
    assert said["output_tokens"] == usage.output + usage.reasoning
    assert (said.get("output_tokens_details") or {}).get("thinking_tokens", 0) == usage.reasoning


def _told_chat(answer: Answer) -> Seen:
    refusal = answer.refusal or _join(answer, RefusalPart, lambda part: part.text) or None
    return Seen(
        id="",
        model=answer.model or CONTEXT.model,
        text=_join(answer, TextPart, lambda part: part.text),
        thinking=_join(answer, ThinkingPart, lambda part: part.text),
        calls=_calls(answer),
        finish=CHAT_FINISH[answer.finish],
        refusal=refusal,
        usage={},
        proofs=tuple(
            (part.signature.origin, part.signature.value)
            for part in answer.parts
            if isinstance(part, ToolCallPart) and part.signature is not None
        ),
    )


def _told_responses(answer: Answer) -> Seen:
    said = _told_messages(answer)
    return replace(
        said,
        text=_join(answer, TextPart, lambda part: part.text),
        finish=RESPONSES_FINISH[answer.finish],
        refusal=answer.refusal or _join(answer, RefusalPart, lambda part: part.text) or None,
        stop_sequence=None,
        proofs=tuple(proof for proof in said.proofs if proof != ("", "")),
    )


def _told_messages(answer: Answer) -> Seen:
    return Seen(
        id="",
        model=answer.model or CONTEXT.model,
        text=_join(answer, TextPart | RefusalPart, lambda part: part.text),
        thinking=_join(answer, ThinkingPart, lambda part: part.text),
        calls=_calls(answer),
        finish=MESSAGES_FINISH[answer.finish],
        refusal=answer.refusal if answer.finish == "refusal" else None,
        usage={},
        stop_sequence=answer.stop_sequence,
        redacted=tuple(
            part.redacted for part in answer.parts if isinstance(part, ThinkingPart) and part.redacted is not None
        ),
        proofs=tuple(_proofs(answer.parts)),
    )


def _proofs(parts: tuple[Part, ...]) -> list[tuple[str, str]]:
    """A slot for each thinking; a call's signature stands in unsigned thinking right before it, or in a new slot."""
    slots: list[tuple[str, str]] = []
    free = False
    for part in parts:
        if isinstance(part, ThinkingPart) and part.redacted is None:
            slots.append(_proof(part.signature))
            free = part.signature is None
        elif isinstance(part, ToolCallPart) and part.signature is not None:
            if free:
                slots.pop()
            slots.append(_proof(part.signature))
            free = False
        else:
            free = False
    return slots


def _proof(signature: Signature | None) -> tuple[str, str]:
    return ("", "") if signature is None else (signature.origin, signature.value)


def _calls(answer: Answer) -> tuple[Call, ...]:
    calls = [part for part in answer.parts if isinstance(part, ToolCallPart)]
    return tuple((part.id, part.name, json.loads(part.arguments)) for part in calls)


def _join(answer: Answer, kind: object, text: Callable[..., str]) -> str:
    return "".join(text(part) for part in answer.parts if isinstance(part, kind))  # type: ignore[arg-type]
