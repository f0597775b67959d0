"""Conformance cases (wire notes 2026-11) in what they say of every provider, or of every fixture.

Each case as a whole is run over sockets by `tests/gateway/test_wire_cases.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyctl.core.chat import DialectName
from proxyctl.core.losses import Losses
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from tests.dialects.asked import answered, assistant, called, chat, messages, result, said, text, tool, used, user
from tests.dialects.carried import CONTEXT, all_cases, dialect_of, passed, translated
from tests.dialects.judges import chat_chunks, seen_stream, seen_whole
from tests.dialects.targets import ALL, COHERE, GEMINI, GROQ, MISTRAL, OPENAI, TOGETHER, sent
from tests.dialects.wire_cases import WIRE, expected

CHAT: DialectName = "openai-chat"
MESSAGES: DialectName = "anthropic-messages"
MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def wire(case: str) -> bytes:
    return (WIRE / "openai_chat" / case / "stream.sse").read_bytes()


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


def test_case_36_a_chat_clients_marks_pass_to_servers_that_tolerate_them_and_no_other() -> None:
    body = chat(user([{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]))

    assert b"cache_control" in sent(CHAT, body, OPENAI).raw
    for to in (GROQ, MISTRAL, GEMINI, COHERE):
        assert b"cache_control" not in sent(CHAT, body, to).raw


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


@pytest.mark.parametrize("case", ["mistral-parallel-tools", "mistral-thinking-list", "mistral-model-length"])
def test_case_55_usage_is_reported_although_nobody_could_ask_for_it(case: str) -> None:
    one = passed(CHAT, wire(case), hide_usage=True)

    assert one.result.usage == expected(WIRE / "openai_chat" / case).usage
    assert one.sent == wire(case)


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
