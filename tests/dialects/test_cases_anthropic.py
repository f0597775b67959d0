"""Conformance cases 32 to 45 (wire notes 2026-11): Anthropic's side, as provider and as its clients' dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.chat import DialectName
from proxyctl.core.losses import Losses
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from tests.dialects.asked import (
    answered,
    assistant,
    called,
    chat,
    function,
    messages,
    result,
    said,
    text,
    tool,
    used,
    user,
)
from tests.dialects.carried import CONTEXT, passed, translated
from tests.dialects.judges import message_events, seen_stream, seen_whole
from tests.dialects.targets import (
    ALL,
    CLAUDE,
    COHERE,
    GEMINI,
    GROQ,
    MISTRAL,
    OLD_CLAUDE,
    OPENAI,
    TOGETHER,
    sent,
)
from tests.dialects.wire_cases import WIRE

CHAT: DialectName = "openai-chat"
MESSAGES: DialectName = "anthropic-messages"
MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def wire(dialect: str, case: str, file: str = "stream.sse") -> bytes:
    return (WIRE / dialect / case / file).read_bytes()


def test_case_32_what_the_newest_models_refuse_is_not_sent_and_told() -> None:
    body = chat(temperature=0.2, tool_choice="required", tools=[function("get")])

    new, old = sent(CHAT, body, CLAUDE), sent(CHAT, body, OLD_CLAUDE)

    assert "temperature" not in new.body
    assert new.body["tool_choice"] == {"type": "auto"}
    assert set(new.lost) == {"temperature", "tool_choice"}
    assert (old.body["temperature"], old.body["tool_choice"]) == (0.2, {"type": "any"})
    assert old.lost == []


def test_case_33_tool_messages_and_the_text_behind_them_are_one_message() -> None:
    turns = [user("Hi"), assistant(called("a", "get"), called("b", "get")), answered("a", "1"), answered("b", "2")]

    one = sent(CHAT, chat(*turns, user("Go on")), CLAUDE)

    last = one.body["messages"][-1]
    assert last["role"] == "user"
    assert [block["type"] for block in last["content"]] == ["tool_result", "tool_result", "text"]
    assert [block.get("tool_use_id") for block in last["content"]] == ["a", "b", None]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("to", [CLAUDE, OLD_CLAUDE])
def test_case_34_a_limit_is_always_there(to: tuple[str, str], *, stream: bool) -> None:
    one = sent(CHAT, chat(stream=stream), to)

    assert one.body["max_tokens"] > 1024


def test_case_35_betas_go_to_their_own_provider_alone() -> None:
    headers = {
        b"anthropic-beta": b"interleaved-thinking-2025-05-14,context-1m-2025-08-07",
        b"anthropic-version": b"2023-06-01",
    }

    for to in ALL:
        one = sent(MESSAGES, messages(), to, headers)
        if to[0] == "anthropic":
            assert one.headers[b"anthropic-beta"] == headers[b"anthropic-beta"]
        else:
            assert not [name for name in one.headers if name.startswith(b"anthropic")]
            assert b"interleaved" not in one.raw


MARKED = messages(
    {"role": "user", "content": [{**text("Hi"), **MARK}]},
    said({**used("t1", "get"), **MARK}),
    user([{**result("t1", [text("12")]), **MARK}]),
    system=[{**text("Rules."), **MARK}],
    tools=[tool("get", **MARK)],
)


@pytest.mark.parametrize("to", [to for to in ALL if to[0] != "anthropic"], ids=lambda to: to[1])
def test_case_36_cache_marks_are_stripped_everywhere(to: tuple[str, str]) -> None:
    one = sent(MESSAGES, MARKED, to)

    assert b"cache_control" not in one.raw
    assert one.lost in ([], ["tool call get"])  # the stand-in for a proof that this client never had


def test_case_36_cache_marks_stay_where_they_are_understood() -> None:
    assert sent(MESSAGES, MARKED, CLAUDE).raw.count(b"cache_control") == 5


def test_case_36_a_chat_clients_marks_pass_to_servers_that_tolerate_them_and_no_other() -> None:
    body = chat(user([{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]))

    assert b"cache_control" in sent(CHAT, body, OPENAI).raw
    for to in (GROQ, MISTRAL, GEMINI, COHERE):
        assert b"cache_control" not in sent(CHAT, body, to).raw


def test_case_37_cached_tokens_are_counted_once() -> None:
    seen = seen_stream(CHAT, translated(MESSAGES, CHAT, wire("anthropic_messages", "text-cached")).sent)

    assert seen.usage["prompt_tokens"] == 260
    assert seen.usage["prompt_tokens_details"] == {"cached_tokens": 200, "cache_write_tokens": 50}


def test_case_38_the_input_is_estimated_at_the_start_and_real_at_the_end() -> None:
    events = message_events(translated(CHAT, MESSAGES, wire("openai_chat", "openai-length")).sent)

    assert events[0]["message"]["usage"]["input_tokens"] == CONTEXT.input_estimate > 0
    assert events[-2]["usage"]["input_tokens"] == 20
    assert events[-2]["usage"]["output_tokens"] == 3


def test_case_39_an_error_behind_the_first_words_is_the_callers_own_error() -> None:
    broken = wire("anthropic_messages", "error-overloaded", "failed.sse")

    for caller, sign in ((CHAT, b'data: {"error":'), (MESSAGES, b"event: error\n")):
        one = translated(MESSAGES, caller, broken)
        assert one.problem is not None
        frame = INBOUND[caller].encode_stream_error(one.problem, "px_1")
        assert frame.startswith(sign)
        assert b"overloaded" in frame
        assert b"One" in one.sent
        assert b"[DONE]" not in one.sent + frame
        assert b"message_stop" not in one.sent + frame


def test_case_39_an_error_before_any_content_leaves_the_choice_of_a_status() -> None:
    overloaded = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'

    for caller, status in ((CHAT, 503), (MESSAGES, 529)):
        one = translated(MESSAGES, caller, overloaded)
        assert not one.started
        assert one.sent == b""
        assert one.problem is not None
        assert INBOUND[caller].encode_error(one.problem, "px_1")[0] == status


def test_case_40_the_terminator_of_an_imitator_goes_to_no_messages_client() -> None:
    imitated = wire("anthropic_messages", "imitator")

    for one in (passed(MESSAGES, imitated), translated(MESSAGES, MESSAGES, imitated)):
        assert one.complete
        assert b"[DONE]" not in one.sent
        assert message_events(one.sent)[-1] == {"type": "message_stop"}


@pytest.mark.parametrize(
    ("dialect", "folder"),
    [
        (CHAT, "openai_chat/openai-tool-no-arguments"),
        (MESSAGES, "anthropic_messages/tool-no-arguments"),
        ("gemini-generate", "gemini_generate/call-no-arguments"),
        ("cohere-chat", "cohere_chat/call-no-arguments"),
    ],
)
def test_case_42_a_call_without_arguments_has_an_empty_object(dialect: DialectName, folder: str) -> None:
    streamed = (WIRE / folder / "stream.sse").read_bytes()
    answer = UPSTREAM[dialect].decode_answer((WIRE / folder / "answer.json").read_bytes())

    for caller in (CHAT, MESSAGES):
        encoded = INBOUND[caller].encode_answer(answer, CONTEXT, Losses())
        for seen in (seen_stream(caller, translated(dialect, caller, streamed).sent), seen_whole(caller, encoded)):
            assert [call[1:] for call in seen.calls] == [("now", {})]


@pytest.mark.parametrize("to", [to for to in ALL if to not in (GROQ, TOGETHER, OPENAI)], ids=lambda to: to[1])
def test_case_42_empty_arguments_in_a_history_are_accepted(to: tuple[str, str]) -> None:
    """Where a chat passes through, its provider is asked what its client wrote."""
    one = sent(CHAT, chat(user("Hi"), assistant(called("c1", "now", "")), answered("c1", "12")), to)

    assert one.lost in ([], ["tool call now"])
    assert b'"now"' in one.raw


def test_case_44_text_is_closed_before_a_call_begins() -> None:
    events = message_events(translated(CHAT, MESSAGES, wire("openai_chat", "openai-parallel-tools")).sent)

    order = [
        (event["type"].removeprefix("content_block_"), event["index"])
        for event in events
        if event["type"] in ("content_block_start", "content_block_stop")
    ]
    assert order == [("start", 0), ("stop", 0), ("start", 1), ("stop", 1), ("start", 2), ("stop", 2)]


def test_case_45_own_thinking_stays_as_it_is_and_foreign_thinking_goes() -> None:
    own = {"type": "thinking", "thinking": "", "signature": "EqQBCkYIARgCKkBown=="}
    foreign = {"type": "thinking", "thinking": "", "signature": "gws1.eyJwIjoiZ2VtaW5pLWdlbmVyYXRlIiwicyI6WyJBQUFBIl19"}
    call, answer = used("t1", "get"), user([result("t1", "12")])

    kept = sent(MESSAGES, messages(user("Hi"), said(own, call), answer, tools=[tool("get")]), CLAUDE)
    cleaned = sent(MESSAGES, messages(user("Hi"), said(foreign, call), answer, tools=[tool("get")]), CLAUDE)

    assert _blocks(kept.body) == [own, call]
    assert _blocks(cleaned.body) == [call]
    assert json.dumps(own["signature"]).encode() in kept.raw


def _blocks(body: dict[str, Any]) -> list[Any]:
    blocks: list[Any] = body["messages"][1]["content"]
    return blocks
