"""Conformance cases 46 to 59 (wire notes 2026-11): OpenAI's side, strict and odd servers, and the transport."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.usage import Usage
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
from tests.dialects.carried import all_cases, dialect_of, passed, translated
from tests.dialects.judges import chat_chunks, seen_stream
from tests.dialects.targets import ALL, DEEPSEEK, GROQ, MISTRAL, OPENAI, TOGETHER, sent
from tests.dialects.wire_cases import WIRE, expected

CHAT: DialectName = "openai-chat"
MESSAGES: DialectName = "anthropic-messages"


def wire(case: str) -> bytes:
    return (WIRE / "openai_chat" / case / "stream.sse").read_bytes()


def test_case_46_usage_is_recorded_whoever_asked_for_it() -> None:
    streamed = wire("openai-length")

    hidden, shown = passed(CHAT, streamed, hide_usage=True), passed(CHAT, streamed)

    assert hidden.result.usage == shown.result.usage == Usage(input=20, output=3)
    assert [chunk for chunk in chat_chunks(hidden.sent) if not chunk["choices"]] == []
    assert len([chunk for chunk in chat_chunks(shown.sent) if not chunk["choices"]]) == 1


@pytest.mark.parametrize("wanted", [None, {"include_usage": False}, {"include_usage": True}])
def test_case_46_a_stream_is_asked_for_its_usage_on_our_account(wanted: object) -> None:
    one = sent(CHAT, chat(stream=True, **({} if wanted is None else {"stream_options": wanted})), OPENAI)

    assert one.body["stream_options"] == {"include_usage": True}
    assert one.prepared.hide_usage == (wanted != {"include_usage": True})


@pytest.mark.parametrize("to", ALL, ids=lambda to: to[1])
def test_case_47_a_whole_answer_is_asked_for_without_stream_options(to: tuple[str, str]) -> None:
    for caller, body in ((CHAT, chat()), (MESSAGES, messages())):
        assert b"stream_options" not in sent(caller, body, to).raw


@pytest.mark.parametrize("folder", all_cases("stream.sse", "anthropic_messages", "gemini_generate", "cohere_chat"))
def test_case_48_calls_are_numbered_from_nought_whatever_came_before(folder: Path) -> None:
    one = translated(dialect_of(folder), CHAT, (folder / "stream.sse").read_bytes())

    deltas = [chunk["choices"][0]["delta"] for chunk in chat_chunks(one.sent) if chunk["choices"]]
    indexes = [call["index"] for delta in deltas for call in delta.get("tool_calls", ()) if "id" in call]
    assert deltas[0]["role"] == "assistant"
    assert indexes == list(range(len(indexes)))


@pytest.mark.parametrize("odd", ["toolu_" + "x" * 100, "call with spaces", "günther", "a.b:c"])
def test_case_50_odd_ids_become_short_ones_on_call_and_result_alike(odd: str) -> None:
    body = messages(user("Hi"), said(used(odd, "get")), user([result(odd, "12")]))

    one, again = sent(MESSAGES, body, OPENAI), sent(MESSAGES, body, OPENAI)

    [call] = one.body["messages"][1]["tool_calls"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", call["id"])
    assert one.body["messages"][2]["tool_call_id"] == call["id"]
    assert again.raw == one.raw


@pytest.mark.parametrize(
    ("to", "field"), [(OPENAI, "max_completion_tokens"), (MISTRAL, "max_tokens"), (TOGETHER, "max_tokens")]
)
def test_case_51_the_limit_bears_the_targets_name(to: tuple[str, str], field: str) -> None:
    one = sent(MESSAGES, messages(), to)

    assert one.body[field] == 100
    assert len({"max_tokens", "max_completion_tokens"} & set(one.body)) == 1


def test_case_54_what_a_coding_agent_sends_is_fit_for_a_strict_server() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    body = messages(
        {"role": "user", "content": [{**text("Hi"), **mark}]},
        said({"type": "thinking", "thinking": "Hm.", "signature": "EqQB"}, text("So."), used("t1", "get")),
        user([result("t1", "12")]),
        system=[{**text("S"), **mark}],
        tools=[tool("get", **mark)],
        metadata={"user_id": "ann"},
        thinking={"type": "adaptive"},
    )

    one = sent(MESSAGES, body, GROQ)

    for word in (b"cache_control", b"EqQB", b"metadata", b"prompt_cache_key", b'"name":"ann"'):
        assert word not in one.raw
    assert {frozenset(message) for message in one.body["messages"]} == {
        frozenset({"role", "content"}),
        frozenset({"role", "content", "tool_calls"}),
        frozenset({"role", "content", "tool_call_id"}),
    }


def test_case_54_more_than_one_choice_is_our_own_refusal() -> None:
    with pytest.raises(UnsupportedError):
        sent(CHAT, chat(n=2), GROQ)


def test_case_54_usage_in_two_places_is_counted_once() -> None:
    for one in (passed(CHAT, wire("groq-x-usage")), translated(CHAT, MESSAGES, wire("groq-x-usage"))):
        assert one.result.usage == Usage(input=30, output=7, reasoning=5)


NEXT_TURN = [user("Hi"), said(used("toolu_01ABCdef", "get")), user([result("toolu_01ABCdef", "12")])]


def test_case_55_ids_are_nine_letters_and_stay_the_same_in_every_turn() -> None:
    first = sent(MESSAGES, messages(*NEXT_TURN, stream=True), MISTRAL)
    later = sent(MESSAGES, messages(*NEXT_TURN, said(text("12 degrees.")), user("And Rome?"), stream=True), MISTRAL)

    [call] = first.body["messages"][1]["tool_calls"]
    assert re.fullmatch(r"[A-Za-z0-9]{9}", call["id"])
    assert first.body["messages"][2]["tool_call_id"] == call["id"]
    assert later.body["messages"][:3] == first.body["messages"]
    assert "stream_options" not in first.body


@pytest.mark.parametrize("case", ["mistral-parallel-tools", "mistral-thinking-list", "mistral-model-length"])
def test_case_55_usage_is_reported_although_nobody_could_ask_for_it(case: str) -> None:
    one = passed(CHAT, wire(case), hide_usage=True)

    assert one.result.usage == expected(WIRE / "openai_chat" / case).usage
    assert one.sent == wire(case)


def test_case_56_no_user_stands_directly_behind_a_tool() -> None:
    body = messages(*NEXT_TURN[:2], user([result("toolu_01ABCdef", "12"), text("Go on")]))

    one = sent(MESSAGES, body, MISTRAL)

    roles = [message["role"] for message in one.body["messages"]]
    assert ("tool", "user") not in set(itertools.pairwise(roles))
    assert one.raw.count(b"Go on") == 1


@pytest.mark.parametrize("thought", ["", "Hm."])
def test_case_57_a_tool_loop_of_a_thinking_model_carries_its_thinking(thought: str) -> None:
    blocks = [{"type": "thinking", "thinking": thought, "signature": "gws1.e30"}] if thought else []
    body = messages(user("Hi"), said(*blocks, used("t1", "get")), user([result("t1", "12")]))

    one = sent(MESSAGES, body, DEEPSEEK)

    assert one.body["messages"][1]["reasoning_content"] == (thought or " ")


@pytest.mark.parametrize("kept", [{"reasoning_content": "Hm."}, {"reasoning_content": None}, {}])
def test_case_57_a_chat_client_that_lost_the_thinking_is_served_all_the_same(kept: dict[str, str | None]) -> None:
    turn = {**assistant(called("c1", "get")), **kept}

    one = sent(CHAT, chat(user("Hi"), turn, answered("c1", "12"), tools=[function("get")]), DEEPSEEK)

    assert one.prepared.lane == "passthrough"
    assert one.body["messages"][1]["reasoning_content"] == (kept.get("reasoning_content") or " ")
    assert one.lost == []


@pytest.mark.parametrize("caller", [CHAT, MESSAGES])
@pytest.mark.parametrize(
    ("case", "thinking"),
    [
        ("vllm-continuous-usage", "Count"),
        ("openrouter-comments", "Think hard."),
        ("ollama-stop-with-a-call", "Use it."),
        ("deepseek-thinking", "Think…"),
        ("mistral-thinking-list", "Hmm so."),
    ],
)
def test_case_58_thinking_reaches_every_caller_from_wherever_it_stood(
    case: str, thinking: str, caller: DialectName
) -> None:
    assert seen_stream(caller, translated(CHAT, caller, wire(case)).sent).thinking == thinking


@pytest.mark.parametrize("caller", [CHAT, MESSAGES])
@pytest.mark.parametrize("seed", range(20))
def test_case_59_no_cut_costs_a_character_or_an_event(seed: int, caller: DialectName) -> None:
    one = translated(CHAT, caller, wire("odd-framing"), seed)

    assert seen_stream(caller, one.sent).text == "Grüße 漢字"
    assert "\ufffd" not in one.sent.decode()


def test_case_59_a_cut_inside_a_character_leaves_no_half_of_it() -> None:
    broken = (WIRE / "openai_chat" / "cut-in-a-character" / "failed.sse").read_bytes()

    for one in (passed(CHAT, broken), translated(CHAT, MESSAGES, broken)):
        assert "\ufffd" not in one.sent.decode()
        assert not one.complete
