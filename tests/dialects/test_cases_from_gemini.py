"""Conformance cases 21 to 30 (wire notes 2026-11): what Gemini answers, as both kinds of caller are told it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.chat import DialectName
from proxyctl.core.losses import Losses
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from tests.dialects.asked import answered, assistant, called, chat, user
from tests.dialects.carried import CONTEXT, Carried, translated
from tests.dialects.judges import Seen, chat_chunks, message_events, seen_stream, seen_whole
from tests.dialects.targets import GEMINI, sent
from tests.dialects.wire_cases import WIRE

CHAT: DialectName = "openai-chat"
MESSAGES: DialectName = "anthropic-messages"
CALLERS = (CHAT, MESSAGES)
OLD = "gemini-2.5-flash"


def stream(case: str, caller: DialectName, file: str = "stream.sse") -> Carried:
    return translated("gemini-generate", caller, (WIRE / "gemini_generate" / case / file).read_bytes())


def both_ways(case: str, caller: DialectName) -> list[Seen]:
    """Streamed and whole."""
    whole = (WIRE / "gemini_generate" / case / "answer.json").read_bytes()
    answer = UPSTREAM["gemini-generate"].decode_answer(whole)
    encoded = INBOUND[caller].encode_answer(answer, CONTEXT, Losses())
    return [seen_stream(caller, stream(case, caller).sent), seen_whole(caller, encoded)]


def frame(*parts: dict[str, Any], finish: str | None = None) -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    document = {"candidates": [candidate], "modelVersion": OLD, "responseId": "r1"}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


@pytest.mark.parametrize(("caller", "finish"), [(CHAT, "tool_calls"), (MESSAGES, "tool_use")])
def test_case_21_a_call_that_ends_with_stop_ends_with_a_tool(caller: DialectName, finish: str) -> None:
    for seen in both_ways("call-then-stop", caller):
        assert seen.finish == finish
        assert len(seen.calls) == 1


def test_case_22_the_empty_text_behind_a_call_makes_no_delta_and_no_block() -> None:
    chat_stream, messages_stream = (stream("call-then-stop", caller).sent for caller in CALLERS)

    texts = [chunk["choices"][0]["delta"].get("content") for chunk in chat_chunks(chat_stream) if chunk["choices"]]
    starts = [event for event in message_events(messages_stream) if event["type"] == "content_block_start"]
    assert texts == ["", *[None] * (len(texts) - 1)]  # only the first chunk's, beside the role
    assert [event["content_block"]["type"] for event in starts] == ["thinking", "tool_use"]


def test_case_23_arguments_come_in_one_delta_behind_an_empty_input() -> None:
    events = message_events(stream("call-then-stop", MESSAGES).sent)

    [start] = [event for event in events if event.get("content_block", {}).get("type") == "tool_use"]
    deltas = [event["delta"] for event in events if event.get("delta", {}).get("type") == "input_json_delta"]
    assert start["content_block"]["input"] == {}
    assert [json.loads(delta["partial_json"]) for delta in deltas] == [{"city": "Oslo"}]


def test_case_24_two_calls_of_one_function_get_two_ids_and_their_own_results() -> None:
    wire = frame(
        {"functionCall": {"name": "get", "args": {"k": "a"}}},
        {"functionCall": {"name": "get", "args": {"k": "a"}}},
        finish="STOP",
    )

    first, second = seen_stream(CHAT, translated("gemini-generate", CHAT, wire).sent).calls
    again = seen_stream(MESSAGES, translated("gemini-generate", MESSAGES, wire).sent).calls
    history = assistant(called(first[0], "get", '{"k":"a"}'), called(second[0], "get", '{"k":"a"}'))
    one = sent(CHAT, chat(user("Hi"), history, answered(second[0], "two"), answered(first[0], "one")), GEMINI)

    assert first[0] != second[0]
    assert "get" not in (first[0], second[0])
    assert (first, second) == again
    responses = [part["functionResponse"]["response"]["output"] for part in one.body["contents"][-1]["parts"]]
    assert responses == ["one", "two"]


@pytest.mark.parametrize(("caller", "finish"), [(CHAT, "content_filter"), (MESSAGES, "refusal")])
def test_case_25_a_blocked_prompt_is_a_refusal_and_its_usage_is_kept(caller: DialectName, finish: str) -> None:
    for seen in both_ways("blocked-prompt", caller):
        assert (seen.finish, seen.text, seen.calls) == (finish, "", ())
        assert seen.refusal == "The provider blocked the prompt: PROHIBITED_CONTENT."
        assert 8 in (seen.usage.get("prompt_tokens"), seen.usage.get("input_tokens"))


@pytest.mark.parametrize(("caller", "finish"), [(CHAT, "stop"), (MESSAGES, "end_turn")])
def test_case_26_an_empty_candidate_is_a_valid_empty_answer(caller: DialectName, finish: str) -> None:
    for seen in both_ways("empty", caller):
        assert (seen.text, seen.calls, seen.finish) == ("", (), finish)


@pytest.mark.parametrize("caller", CALLERS)
def test_case_27_a_call_nobody_can_read_is_never_an_end(caller: DialectName) -> None:
    one = stream("malformed-call", caller, "failed.sse")

    assert one.problem is not None
    assert one.problem.code == "malformed_tool_call"
    assert one.problem.retryable
    assert b'"stop"' not in one.sent
    assert b"end_turn" not in one.sent


def test_case_28_usage_of_every_kind() -> None:
    for seen in both_ways("usage-of-every-kind", CHAT):
        assert seen.usage["prompt_tokens"] == 107
        assert seen.usage["prompt_tokens_details"]["cached_tokens"] == 30
        assert seen.usage["completion_tokens"] == 25
        assert seen.usage["completion_tokens_details"]["reasoning_tokens"] == 20
    for seen in both_ways("usage-of-every-kind", MESSAGES):
        assert seen.usage["input_tokens"] == 77
        assert seen.usage["cache_read_input_tokens"] == 30
        assert seen.usage["output_tokens"] == 25


@pytest.mark.parametrize("caller", CALLERS)
def test_case_29_thoughts_are_thinking_and_no_text(caller: DialectName) -> None:
    for seen in both_ways("thoughts", caller):
        assert (seen.thinking, seen.text) == ("**Plan**\nAdd.", "4")


@pytest.mark.parametrize("wrap", ["%s", "[%s]"])
def test_case_30_a_quota_error_keeps_its_status_and_its_wait(wrap: str) -> None:
    """The gateway rounds the wait up for its header."""
    error = {
        "code": 429,
        "message": "You exceeded your current quota.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "46.2s"}],
    }
    problem = UPSTREAM["gemini-generate"].decode_error(429, (wrap % json.dumps({"error": error})).encode())

    assert (problem.kind, problem.retry_after) == ("rate_limit", 46.2)
    status, body = INBOUND[CHAT].encode_error(problem, "px_1")
    assert (status, json.loads(body)["error"]["type"]) == (429, "rate_limit_error")
    status, body = INBOUND[MESSAGES].encode_error(problem, "px_1")
    assert (status, json.loads(body)["error"]["type"]) == (429, "rate_limit_error")
