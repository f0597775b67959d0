"""Anthropic's official SDK, with its own types as the judge, before all providers, and the raw streams with ours.

What every dialect is asked alike (tools, images, thinking, schemas, refusals) is in the matrix.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import anthropic
import pytest

from .home import Home
from .messages_grammar import check
from .simulated import Seen, Simulated
from .targets import ARGUMENTS, ONE_CALL, SCHEMA, TOOL_NAME, TWO_CALLS, Target

SYSTEM: Any = [
    {"type": "text", "text": "Be brief."},
    {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}},
]
TOOLS: Any = [{"name": TOOL_NAME, "description": "The weather of a city.", "input_schema": SCHEMA}]
SUMMARIZED: Any = {"type": "adaptive", "display": "summarized"}
ROOM = 4000


def asking(text: str) -> Any:
    return {"role": "user", "content": text}


def text_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def calls_of(message: anthropic.types.Message) -> list[anthropic.types.ToolUseBlock]:
    return [block for block in message.content if block.type == "tool_use"]


def results(calls: Iterable[anthropic.types.ToolUseBlock]) -> Any:
    """The second one failed."""
    return {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": f"{number} degrees", "is_error": number == 2}
            for number, call in enumerate(calls, start=1)
        ],
    }


def test_plain_answer(strict_anthropic: anthropic.Anthropic, target: Target, simulated: Simulated) -> None:
    answer = strict_anthropic.messages.create(
        model=target.named(target.plain), max_tokens=ROOM, system=SYSTEM, messages=[asking("Good morning")]
    )

    assert text_of(answer).endswith("You wrote: Good morning")
    assert (answer.stop_reason, answer.model) == ("end_turn", target.plain)
    [seen] = simulated.seen()
    assert seen.usage is not None
    assert answer.usage.output_tokens == seen.usage["output"]
    assert answer.usage.input_tokens >= seen.usage["prompt"]


def test_streaming_helper_assembles_the_same_answer(strict_anthropic: anthropic.Anthropic, target: Target) -> None:
    asked: Any = {"model": target.named(target.plain), "max_tokens": ROOM, "messages": [asking("Good morning")]}
    whole = strict_anthropic.messages.create(**asked)

    with strict_anthropic.messages.stream(**asked) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()

    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert kinds.count("text") > 3
    assert text_of(final) == text_of(whole)
    assert (final.stop_reason, final.usage) == ("end_turn", whole.usage)


def test_failed_result_says_that_it_failed(
    strict_anthropic: anthropic.Anthropic, target: Target, simulated: Simulated
) -> None:
    asked: Any = {"model": target.named(target.plain), "max_tokens": ROOM, "tools": TOOLS}
    first = strict_anthropic.messages.create(messages=[asking(TWO_CALLS)], **asked)

    history: Any = [asking(TWO_CALLS), {"role": "assistant", "content": first.content}, results(calls_of(first))]
    second = strict_anthropic.messages.create(messages=history, **asked)

    assert f"{TOOL_NAME}: 1 degrees" in text_of(second)
    assert text_of(second).count("degrees") == 2
    assert says_that_it_failed(simulated.seen()[1], "2 degrees")


def says_that_it_failed(seen: Seen, text: str) -> bool:
    """In the provider's own way, or in words where it has none."""
    said = seen.raw.decode()
    ways = [f'{{"error":"{text}"}}', '"is_error":true', f"Error: {text}"]
    return any(way in said for way in ways)


@pytest.mark.parametrize("thinking", [None, SUMMARIZED], ids=["unasked", "summarized"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("text", [ONE_CALL, TWO_CALLS], ids=["one", "parallel"])
def test_gemini_gets_its_own_signature_back(
    strict_anthropic: anthropic.Anthropic, simulated: Simulated, text: str, thinking: Any, *, streamed: bool
) -> None:
    """Byte for byte, on the call it came with: the stand-in would be taken too, but costs quality."""
    asked: Any = {"model": "gemini:gemini-3.8-flash", "max_tokens": ROOM, "tools": TOOLS}
    asked |= {} if thinking is None else {"thinking": thinking}
    if streamed:
        with strict_anthropic.messages.stream(messages=[asking(text)], **asked) as stream:
            first = stream.get_final_message()
    else:
        first = strict_anthropic.messages.create(messages=[asking(text)], **asked)

    turn: Any = {"role": "assistant", "content": first.content}
    strict_anthropic.messages.create(messages=[asking(text), turn, results(calls_of(first))], **asked)

    [call, *siblings] = simulated.seen("gemini")[1].body["contents"][1]["parts"]
    assert call["thoughtSignature"].startswith("c2lt"), "the simulator's own begin so"
    assert call["functionCall"]["args"] == ARGUMENTS
    assert all("thoughtSignature" not in part for part in siblings)


def test_anthropic_gets_its_thinking_back_as_it_was(
    strict_anthropic: anthropic.Anthropic, simulated: Simulated
) -> None:
    asked: Any = {
        "model": "anthropic:claude-sonnet-5-5",
        "max_tokens": ROOM,
        "tools": TOOLS,
        "thinking": SUMMARIZED,
    }
    with strict_anthropic.messages.stream(messages=[asking(ONE_CALL)], **asked) as stream:
        first = stream.get_final_message()
    thought = first.content[0]
    assert thought.type == "thinking"

    turn: Any = {"role": "assistant", "content": first.content}
    strict_anthropic.messages.create(messages=[asking(ONE_CALL), turn, results(calls_of(first))], **asked)

    sent = simulated.seen("anthropic")[1].body["messages"][1]["content"][0]
    assert sent == {"type": "thinking", "thinking": thought.thinking, "signature": thought.signature}


def test_thinking_of_one_provider_does_not_break_another(
    strict_anthropic: anthropic.Anthropic, simulated: Simulated
) -> None:
    """A conversation that began on Gemini goes on at Anthropic, which would refuse a signature that is not its own."""
    asked: Any = {"max_tokens": ROOM, "tools": TOOLS, "thinking": SUMMARIZED}
    with strict_anthropic.messages.stream(
        model="gemini:gemini-3.8-flash", messages=[asking(ONE_CALL)], **asked
    ) as stream:
        first = stream.get_final_message()

    turn: Any = {"role": "assistant", "content": first.content}
    second = strict_anthropic.messages.create(
        model="anthropic:claude-sonnet-5-5",
        messages=[asking(ONE_CALL), turn, results(calls_of(first))],
        **asked,
    )

    assert f"{TOOL_NAME}: 1 degrees" in text_of(second)
    [sent] = simulated.seen("anthropic")
    assert [block["type"] for block in sent.body["messages"][1]["content"]] == ["tool_use"]


def test_system_blocks_reach_the_model_and_their_marks_only_whom_they_concern(
    strict_anthropic: anthropic.Anthropic, target: Target, simulated: Simulated
) -> None:
    strict_anthropic.messages.create(
        model=target.named(target.plain), max_tokens=ROOM, system=SYSTEM, messages=[asking("Good morning")]
    )

    [seen] = simulated.seen()
    assert 0 < seen.raw.index(b"Be brief.") < seen.raw.index(b"Be kind.")
    assert (b"cache_control" in seen.raw) == (target.provider == "anthropic")


def test_anthropics_own_bytes_pass_through_but_for_the_model(daemon: Home, simulated: Simulated) -> None:
    """Members that nobody here knows, odd spacing and the order of keys survive."""
    sent = b'{ "max_tokens" : 9,"model":"%s","messages":[{"role":"user","content":"Hi"}], "metadata":{"user_id":"u"} }'

    answer = daemon.http.post(
        f"{daemon.url}/v1/messages",
        content=sent % b"claude-haiku-4-5",
        headers={"content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "a client's own"},
    )

    [seen] = simulated.seen("anthropic")
    assert answer.status_code == 200
    assert seen.raw == sent % b"claude-haiku-4-5"
    assert seen.headers["x-api-key"] != "a client's own"
    assert "authorization" not in seen.headers


@pytest.mark.parametrize(
    ("status", "seen_as", "kind", "name"),
    [
        (400, 400, anthropic.BadRequestError, "invalid_request_error"),
        (401, 502, anthropic.InternalServerError, "api_error"),
        (429, 429, anthropic.RateLimitError, "rate_limit_error"),
        (500, 502, anthropic.InternalServerError, "api_error"),
        (503, 529, anthropic.OverloadedError, "overloaded_error"),
    ],
)
def test_upstream_errors_become_the_sdks(
    strict_anthropic: anthropic.Anthropic,
    simulated: Simulated,
    target: Target,
    status: int,
    seen_as: int,
    kind: type[anthropic.APIStatusError],
    name: str,
) -> None:
    planned = 529 if target.provider == "anthropic" and status == 503 else status
    simulated.fault("status", target.provider, status=planned, times=None, message="planned")

    with pytest.raises(kind, match="planned") as caught:
        strict_anthropic.messages.create(
            model=target.named(target.plain), max_tokens=ROOM, messages=[asking("Good morning")]
        )

    body: Any = caught.value.body
    assert (caught.value.status_code, body["type"], body["error"]["type"]) == (seen_as, "error", name)
    assert caught.value.request_id


@pytest.mark.parametrize("model", ["nonsense", "groq:nonsense", "nobody:model", "gemini:gemini-9-nothing"])
def test_unknown_model(strict_anthropic: anthropic.Anthropic, model: str) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        strict_anthropic.messages.create(model=model, max_tokens=ROOM, messages=[asking("Good morning")])

    body: Any = caught.value.body
    assert body["error"]["type"] == "not_found_error"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"messages": "not a list"}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0]"),
        ({"system": {"text": "one block, not in a list"}}, "system"),
    ],
)
def test_bad_request_names_what_is_wrong(
    strict_anthropic: anthropic.Anthropic, changed: dict[str, Any], named: str
) -> None:
    asked: Any = {"model": "gemini:gemini-3.8-flash", "max_tokens": 5, "messages": [asking("x")], **changed}

    with pytest.raises(anthropic.BadRequestError) as caught:
        strict_anthropic.messages.create(**asked)

    assert named in caught.value.message


@pytest.mark.parametrize("fault", ["cut", "error_in_200"])
def test_broken_stream_ends_in_an_error_and_no_stop(
    daemon: Home, simulated: Simulated, target: Target, fault: str
) -> None:
    simulated.pace(words=80)
    simulated.fault(fault, target.provider, after_frames=20, status=500, message="planned")

    answer = daemon.messages(target.named(target.plain), stream=True)

    stream = check(answer.content)
    assert answer.status_code == 200
    assert not stream.complete
    assert stream.stop_reason is None


def test_sdk_raises_when_a_stream_breaks(
    strict_anthropic: anthropic.Anthropic, simulated: Simulated, target: Target
) -> None:
    simulated.pace(words=80)
    simulated.fault("cut", target.provider, after_frames=20)

    with (
        pytest.raises(anthropic.APIStatusError),
        strict_anthropic.messages.stream(
            model=target.named(target.plain), max_tokens=ROOM, messages=[asking("Good morning")]
        ) as stream,
    ):
        stream.get_final_message()


def test_failure_before_the_content_of_a_stream_is_a_status(
    strict_anthropic: anthropic.Anthropic, simulated: Simulated, target: Target
) -> None:
    simulated.fault("error_in_200", target.provider, status=500, times=None, message="planned")

    with (
        pytest.raises(anthropic.InternalServerError) as caught,
        strict_anthropic.messages.stream(
            model=target.named(target.plain), max_tokens=ROOM, messages=[asking("Good morning")]
        ) as stream,
    ):
        stream.get_final_message()

    assert caught.value.status_code == 502


def test_models_are_listed_and_described(strict_anthropic: anthropic.Anthropic, target: Target) -> None:
    listed = list(strict_anthropic.models.list())

    assert {target.plain, target.sees, target.thinks} <= {model.id for model in listed}
    assert strict_anthropic.models.retrieve(target.plain).id == target.plain


def test_model_that_nobody_has_is_not_described(strict_anthropic: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        strict_anthropic.models.retrieve("nonsense")
