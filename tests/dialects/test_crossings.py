"""Every documented answer, towards every caller: five dialects come in, three go out.

The stream and the whole answer are translated as the gateway does it, read with the caller's own SDK, and compared with
what the fixture says they mean.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from proxyctl.core.chat import DialectName, Part, ToolCallPart
from proxyctl.core.errors import Problem
from proxyctl.core.exchange import AttemptResult
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from tests.dialects.carried import CONTEXT, all_cases, dialect_of, failure_story, translated
from tests.dialects.judges import Seen, chat_chunks, message_events, seen_stream, seen_whole
from tests.dialects.responses_judge import EVENT, Json, events_of
from tests.dialects.told import check_id, check_usage, told
from tests.dialects.wire_cases import expected

CALLERS: tuple[DialectName, ...] = ("openai-chat", "openai-responses", "anthropic-messages")
BROKEN_OFF = Problem(kind="upstream", status=502, code="upstream_truncated", message="cut")


def meaning(seen: Seen) -> Seen:
    """Without what is compared apart."""
    return replace(seen, id="", usage={})


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("folder", all_cases("stream.sse"))
def test_a_stream_is_told_whole_in_the_callers_dialect(folder: Path, caller: DialectName) -> None:
    answer = expected(folder)

    one = translated(dialect_of(folder), caller, (folder / "stream.sse").read_bytes())
    seen = seen_stream(caller, one.sent)

    assert one.problem is None
    assert meaning(seen) == told(caller, answer)
    check_id(caller, answer, seen.id)
    check_usage(caller, answer.usage, seen.usage)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("folder", all_cases("answer.json"))
def test_a_whole_answer_is_told_as_its_stream_is(folder: Path, caller: DialectName) -> None:
    body, upstream = (folder / "answer.json").read_bytes(), UPSTREAM[dialect_of(folder)]
    answer = expected(folder)

    seen = seen_whole(caller, INBOUND[caller].encode_answer(upstream.decode_answer(body), CONTEXT, Losses()))

    assert meaning(seen) == told(caller, answer)
    check_id(caller, answer, seen.id)
    check_usage(caller, answer.usage, seen.usage)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("folder", all_cases("stream.sse") + all_cases("failed.sse"))
def test_where_the_network_cuts_changes_no_byte(folder: Path, caller: DialectName) -> None:
    file = "stream.sse" if (folder / "stream.sse").exists() else "failed.sse"
    wire = (folder / file).read_bytes()

    whole = translated(dialect_of(folder), caller, wire)

    for seed in range(2):
        again = translated(dialect_of(folder), caller, wire, seed)
        assert again.sent == whole.sent
        assert without_time(again.result) == without_time(whole.result)


def without_time(result: AttemptResult) -> AttemptResult:
    return dataclasses.replace(result, first_token_at=None)


@pytest.mark.parametrize("folder", all_cases("stream.sse"))
def test_a_caller_that_shows_no_thinking_gets_none(folder: Path) -> None:
    context = replace(CONTEXT, show_thinking=False)

    for caller in CALLERS:
        one = translated(dialect_of(folder), caller, (folder / "stream.sse").read_bytes(), context=context)
        seen = seen_stream(caller, one.sent)
        assert seen.thinking == ""
        assert (seen.text, seen.calls) == (told(caller, expected(folder)).text, told(caller, expected(folder)).calls)


@pytest.mark.parametrize("folder", all_cases("stream.sse"))
def test_usage_goes_only_to_a_chat_caller_who_asked_for_it(folder: Path) -> None:
    """WIRE §6 case 46, in the translate lane."""
    wire = (folder / "stream.sse").read_bytes()

    one = translated(dialect_of(folder), "openai-chat", wire, context=replace(CONTEXT, include_usage=False))
    asked = translated(dialect_of(folder), "openai-chat", wire)

    assert b'"usage"' not in one.sent
    assert one.result == asked.result
    assert [chunk["choices"] for chunk in chat_chunks(asked.sent)].count([]) == 1


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("folder", all_cases("failed.sse"))
def test_a_broken_stream_never_looks_complete(folder: Path, caller: DialectName) -> None:
    story = failure_story(folder)

    one = translated(dialect_of(folder), caller, (folder / "failed.sse").read_bytes())
    problem = one.problem or BROKEN_OFF
    told_at_last = one.sent + INBOUND[caller].encode_stream_error(problem, "px_1")

    assert (problem.kind, one.started, one.complete, one.told) == (story.kind, story.started, False, False)
    assert _shown(caller, one.sent) == _meant(story.parts)
    for word in (
        b"response.completed",
        b"response.incomplete",
        b"[DONE]",
        b"message_stop",
        b'"finish_reason":"',
        b'"stop_reason":"',
    ):
        assert word not in told_at_last
    _check_error(caller, told_at_last)


def _shown(caller: DialectName, sent: bytes) -> tuple[str, str, str]:
    """The text, the thinking and the arguments that a caller had got when the stream broke."""
    if not sent:
        return "", "", ""
    if caller == "anthropic-messages":
        deltas = [event["delta"] for event in message_events(sent) if event["type"] == "content_block_delta"]
        names = ("text", "thinking", "partial_json")
        text, thinking, arguments = ("".join(delta.get(name, "") for delta in deltas) for name in names)
        return text, thinking, arguments
    if caller == "openai-responses":
        return _shown_by_events(events_of(sent))
    chat = [chunk["choices"][0]["delta"] for chunk in chat_chunks(sent)]
    fragments = [call["function"]["arguments"] for delta in chat for call in delta.get("tool_calls", ())]
    return (
        "".join(delta.get("content", "") for delta in chat),
        "".join(delta.get("reasoning", "") for delta in chat),
        "".join(fragments),
    )


def _shown_by_events(events: list[Json]) -> tuple[str, str, str]:
    kinds = ("output_text", "reasoning_summary_text", "function_call_arguments")
    text, thinking, arguments = (
        "".join(event["delta"] for event in events if event["type"] == f"response.{kind}.delta") for kind in kinds
    )
    return text, thinking, arguments


def _meant(parts: tuple[Part, ...]) -> tuple[str, str, str]:
    by_kind: dict[str, str] = {}
    for part in parts:
        text = part.arguments if isinstance(part, ToolCallPart) else getattr(part, "text", "")
        kind = type(part).__name__
        by_kind[kind] = by_kind.get(kind, "") + text
    return by_kind.get("TextPart", ""), by_kind.get("ThinkingPart", ""), by_kind.get("ToolCallPart", "")


def _check_error(caller: DialectName, sent: bytes) -> None:
    last = sent.removesuffix(b"\n\n").split(b"\n\n")[-1]
    if caller == "anthropic-messages":
        name, data = last.split(b"\n")
        document = msgspec.json.decode(data.removeprefix(b"data: "))
        assert name == b"event: error"
        assert document["type"] == "error"
        assert set(document["error"]) == {"type", "message"}
        return
    if caller == "openai-responses":
        name, data = last.split(b"\n")
        event = EVENT.validate_json(data.removeprefix(b"data: "), strict=True)
        assert (name, event.type) == (b"event: error", "error")
        assert event.message
        return
    document = msgspec.json.decode(last.removeprefix(b"data: "))
    assert set(document) == {"error"}
    assert set(document["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("folder", all_cases("failed.sse"))
def test_what_was_used_before_the_break_is_kept_and_called_partial(folder: Path) -> None:
    one = translated(dialect_of(folder), "openai-chat", (folder / "failed.sse").read_bytes())

    usage = one.result.usage
    if one.started:
        assert isinstance(usage, Usage)
        assert usage.source in ("partial", "estimated")
        assert usage.output_total > 0
    assert one.result.finish is None
