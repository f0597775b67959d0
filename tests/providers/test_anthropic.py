"""Anthropic's facts: what each model takes, versions, thinking that is not its own, model pages."""

import json
from typing import Any

import msgspec
import pytest

from proxyctl.core.chat import Signature
from proxyctl.core.errors import DecodeError, Problem
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import decode_fields, encode_json
from proxyctl.dialects.envelope import seal
from proxyctl.providers._base import ModelInfo
from proxyctl.providers.anthropic import AnthropicProvider, read_name

PROVIDER = AnthropicProvider(name="anthropic")


def adapt(model: str = "claude-opus-5-5", **fields: Any) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    raw = decode_fields(json.dumps({"model": model, "messages": [], **fields}).encode())
    adapted = PROVIDER.adapt(dict(raw), dialect="anthropic-messages", model=model, losses=losses)
    return json.loads(encode_json(adapted)), [entry.path for entry in losses.entries()]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("claude-opus-5-5", ("opus", (5, 5))),
        ("claude-opus-4-8-20260101", ("opus", (4, 8))),
        ("claude-sonnet-5", ("sonnet", (5, 0))),
        ("claude-sonnet-4-20250514", ("sonnet", (4, 0))),
        ("claude-opus-5-5@20260101", ("opus", (5, 5))),
        ("claude-3-5-haiku-20241022", ("haiku", (3, 5))),
        ("claude-3-opus-latest", ("opus", (3, 0))),
        ("claude-fable-5-1", ("fable", (5, 1))),
        ("claude-latest", ("", (99, 0))),
    ],
)
def test_family_and_version_are_read_from_the_name(model: str, name: tuple[str, tuple[int, int]]) -> None:
    assert read_name(model) == name


@pytest.mark.parametrize(
    ("model", "style", "off", "off_type", "sampling", "prefill", "forced", "mid_system"),
    [
        ("claude-opus-5-5", "adaptive", False, "disabled", False, False, False, True),
        ("claude-fable-5", "adaptive", False, "disabled", False, False, True, True),
        ("claude-fable-5-1", "adaptive", False, "disabled", False, False, False, True),
        ("claude-mythos-5-2", "adaptive", False, "disabled", False, False, False, True),
        ("claude-sonnet-5-5", "adaptive", True, "between_tools", False, False, False, True),
        ("claude-sonnet-5", "adaptive", True, "disabled", False, False, True, True),
        ("claude-haiku-5-5", "adaptive", True, "disabled", False, False, True, True),
        ("claude-opus-5", "adaptive", True, "disabled", False, False, True, True),
        ("claude-opus-4-8", "adaptive", True, "disabled", False, False, True, True),
        ("claude-opus-4-7", "adaptive", True, "disabled", False, False, True, False),
        ("claude-sonnet-4-6", "adaptive", True, "disabled", True, False, True, False),
        ("claude-haiku-4-5", "budget", True, "disabled", True, True, True, False),
        ("claude-3-7-sonnet-latest", "budget", True, "disabled", True, True, True, False),
        ("claude-3-5-sonnet-latest", "none", True, "disabled", True, True, True, False),
        ("claude-unheard-of", "adaptive", False, "disabled", False, False, False, True),
    ],
)
def test_what_a_model_takes(
    model: str, style: str, off: bool, off_type: str, sampling: bool, prefill: bool, forced: bool, mid_system: bool
) -> None:
    traits = PROVIDER.traits(model)

    assert (traits.thinking, traits.thinking_off, traits.thinking_off_type) == (style, off, off_type)
    assert (traits.sampling, traits.prefill, traits.forced_tool_choice) == (sampling, prefill, forced)
    assert traits.mid_system == mid_system


@pytest.mark.parametrize(("model", "limit"), [("claude-opus-5-5", 128_000), ("claude-haiku-4-5", 64_000)])
def test_the_output_of_a_model(model: str, limit: int) -> None:
    assert PROVIDER.traits(model).max_output == limit


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("claude-opus-5-5", b"2023-06-01", b"2026-10-21"),
        ("claude-opus-5-5", b"", b"2026-10-21"),
        ("claude-haiku-4-5", b"2023-06-01", b"2023-06-01"),
        ("claude-haiku-4-5", b"2026-10-21", b"2026-10-21"),
        ("claude-haiku-4-5", b"", b"2023-06-01"),
    ],
)
def test_the_version_follows_the_model(model: str, asked: bytes, sent: bytes) -> None:
    client = {b"anthropic-version": asked} if asked else {}

    assert PROVIDER.dialect_headers("anthropic-messages", model, client) == [(b"anthropic-version", sent)]


def test_betas_are_forwarded_as_they_came() -> None:
    headers = PROVIDER.dialect_headers("anthropic-messages", "claude-opus-5-5", {b"anthropic-beta": b"a-1,b-2"})

    assert (b"anthropic-beta", b"a-1,b-2") in headers


def test_betas_of_several_headers_go_out_once_each_in_their_order() -> None:
    joined = {b"anthropic-beta": b"b-2, a-1,c-3,b-2,,a-1"}

    headers = PROVIDER.dialect_headers("anthropic-messages", "claude-opus-5-5", joined)

    assert [value for name, value in headers if name == b"anthropic-beta"] == [b"b-2,a-1,c-3"]


def test_the_key_goes_into_its_own_header() -> None:
    assert PROVIDER.credential_headers("sk-x") == [(b"x-api-key", b"sk-x")]
    assert PROVIDER.target("anthropic-messages", "m", stream=True) == "/v1/messages"


def test_sampling_is_taken_off_where_it_is_refused() -> None:
    body, losses = adapt("claude-opus-5-5", temperature=0, top_p=0.5, unknown={"kept": True})

    assert set(body) == {"model", "messages", "unknown"}
    assert losses == ["temperature", "top_p"]
    assert adapt("claude-haiku-4-5", temperature=0)[0]["temperature"] == 0


def test_an_acceptable_body_is_not_touched() -> None:
    messages = msgspec.Raw(b'[ {"role":"user", "content":"hi"} ]')

    adapted = PROVIDER.adapt(
        {"messages": messages}, dialect="anthropic-messages", model="claude-opus-5-5", losses=Losses()
    )

    assert adapted["messages"] is messages


def test_thinking_that_another_provider_made_is_taken_out() -> None:
    foreign = {"type": "thinking", "thinking": "F", "signature": seal(Signature("c2ln", "gemini-generate"))}
    unsigned = {"type": "thinking", "thinking": "U", "signature": seal(None)}
    own = {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"}
    call = {"type": "tool_use", "id": "a", "name": "get", "input": {"n": 12345678901234567890}}

    body, losses = adapt(
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [own, foreign, call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
            {"role": "assistant", "content": [unsigned]},
        ]
    )

    assert [message["content"] for message in body["messages"][1:2]] == [[own, call]]
    assert len(body["messages"]) == 3
    assert losses == ["messages[1].content", "messages[3].content"]


def test_model_pages() -> None:
    page = {
        "data": [
            {
                "type": "model",
                "id": "claude-opus-5-5",
                "display_name": "Claude Opus 5.5",
                "created_at": "2026-09-01T00:00:00Z",
                "max_input_tokens": 1_000_000,
                "max_tokens": 128_000,
                "capabilities": {},
                "lifecycle": "deprecated",
            }
        ],
        "has_more": True,
        "first_id": "claude-opus-5-5",
        "last_id": "claude-opus-5-5",
    }

    read = PROVIDER.read_models(json.dumps(page).encode())

    assert read.models == (
        ModelInfo(
            id="claude-opus-5-5",
            display_name="Claude Opus 5.5",
            owned_by="anthropic",
            context=1_000_000,
            max_output=128_000,
            created=1_788_220_800,
            lifecycle="deprecated",
        ),
    )
    assert read.next_target == "/v1/models?limit=1000&after_id=claude-opus-5-5"
    assert PROVIDER.read_models(b'{"data":[],"has_more":false}').next_target is None
    with pytest.raises(DecodeError):
        PROVIDER.read_models(b"<html>")


def test_names_of_its_own() -> None:
    assert PROVIDER.serves_family("claude-opus-9")
    assert not PROVIDER.serves_family("gpt-5")


def test_messages_beside_foreign_thinking_keep_every_byte() -> None:
    """Numbers are written in many ways, and the provider's cache goes by what stands there."""
    told = {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": seal(None)}]}
    untouched = '{"role": "assistant", "content": [{"type": "tool_use", "input": {"n": 1e+16, "k": "\\u00e4"}}]}'
    messages = msgspec.Raw(f"[{untouched},{json.dumps(told)},{json.dumps(told)[:-2]},{untouched[11:]}]".encode())
    sound = msgspec.Raw(f"[{untouched},{json.dumps(told)}]".encode())

    adapted = [
        PROVIDER.adapt({"messages": one}, dialect="anthropic-messages", model="claude-opus-5-5", losses=Losses())
        for one in (sound, messages)
    ]

    assert [bytes(one["messages"]) for one in adapted] == [f"[{untouched}]".encode(), bytes(messages)]


def asked_and_called(*before_the_call: dict[str, Any]) -> list[dict[str, Any]]:
    call = {"type": "tool_use", "id": "t1", "name": "get", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "12"}
    turns: list[Any] = [[{"type": "text", "text": "Hi"}], [*before_the_call, call], [result]]
    return [{"role": "assistant" if index == 1 else "user", "content": turn} for index, turn in enumerate(turns)]


FOREIGN = {"type": "thinking", "thinking": "Hm.", "signature": seal(Signature("AA==", "gemini-generate"))}
OWN = {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"}


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ([], False),
        ([FOREIGN], False),
        ([{"type": "text", "text": "So."}], False),
        ([OWN], True),
        ([{"type": "redacted_thinking", "data": "x"}], True),
    ],
)
def test_thinking_by_budget_is_not_asked_for_in_a_loop_that_another_provider_began(
    before: list[dict[str, Any]], kept: bool
) -> None:
    asked = {"type": "enabled", "budget_tokens": 2000}

    body, lost = adapt("claude-sonnet-4-5", messages=asked_and_called(*before), thinking=asked)

    assert body.get("thinking") == (asked if kept else None)
    assert ("thinking" in lost) is not kept


@pytest.mark.parametrize(("first", "kept"), [(OWN, True), (FOREIGN, False)])
def test_a_loop_that_began_with_thinking_goes_on_with_it(first: dict[str, Any], *, kept: bool) -> None:
    """Between tools such a model need not think, and without `thinking` its thinking would be refused."""
    asked = {"type": "enabled", "budget_tokens": 2000}
    messages = [*asked_and_called(first), *asked_and_called()[1:]]

    body, lost = adapt("claude-sonnet-4-5", messages=messages, thinking=asked)

    assert body.get("thinking") == (asked if kept else None)
    assert ("thinking" in lost) is not kept


def test_thinking_by_budget_is_asked_for_where_no_loop_is_open() -> None:
    asked = {"type": "enabled", "budget_tokens": 2000}
    closed = [*asked_and_called(), {"role": "assistant", "content": "12."}, {"role": "user", "content": "And?"}]

    for messages in (closed, asked_and_called()[:1], "no list", [1]):
        assert adapt("claude-sonnet-4-5", messages=messages, thinking=asked) == (
            {"model": "claude-sonnet-4-5", "messages": messages, "thinking": asked},
            [],
        )


HOUR = {"type": "ephemeral", "ttl": "1h"}


def test_imitators_get_cache_marks_without_a_time() -> None:
    block = {"type": "text", "text": "Hi", "cache_control": HOUR}
    call = {"type": "tool_use", "id": "t", "name": "get", "input": {"cache_control": HOUR}, "cache_control": HOUR}
    messages = [{"role": "user", "content": [block]}, {"role": "assistant", "content": [FOREIGN, call]}]
    mark = {"type": "ephemeral"}

    body, lost = adapt("kimi-k3", messages=messages, system=[block], tools=[block], cache_control=HOUR)
    own, _ = adapt("claude-opus-5-5", messages=messages[:1], system=[block])

    assert body["cache_control"] == body["system"][0]["cache_control"] == body["tools"][0]["cache_control"] == mark
    assert body["messages"][0]["content"] == [{**block, "cache_control": mark}]
    assert body["messages"][1]["content"] == [{**call, "cache_control": mark}], "what a model wrote is nobody's mark"
    assert lost == ["messages[1].content"]
    assert (own["system"], own["messages"]) == ([block], messages[:1])


def test_what_cannot_be_read_is_left_to_the_imitator() -> None:
    odd = {"ttl": "1h", "x": [1, None]}

    assert adapt("kimi-k3", messages=[odd], system="ttl")[0] == {"model": "kimi-k3", "messages": [odd], "system": "ttl"}


@pytest.mark.parametrize(
    ("model", "asked", "sent", "lost"),
    [
        ("claude-opus-5-5", "enabled", {"type": "adaptive"}, ["thinking.budget_tokens"]),
        ("claude-opus-4-7", "enabled", {"type": "adaptive"}, ["thinking.budget_tokens"]),
        ("claude-sonnet-4-6", "enabled", {"type": "enabled", "budget_tokens": 2000}, []),
        ("claude-haiku-4-5", "enabled", {"type": "enabled", "budget_tokens": 2000}, []),
        ("claude-3-5-haiku-latest", "enabled", None, ["thinking"]),
        ("claude-haiku-4-5", "adaptive", None, ["thinking"]),
        ("claude-sonnet-5-5", "disabled", {"type": "between_tools"}, []),
        ("kimi-k3", "enabled", {"type": "enabled", "budget_tokens": 2000}, []),
    ],
)
def test_thinking_is_asked_for_as_the_models_version_knows_it(
    model: str, asked: str, sent: dict[str, Any] | None, lost: list[str]
) -> None:
    budget = {"budget_tokens": 2000} if asked == "enabled" else {}

    body, losses = adapt(model, thinking={"type": asked, **budget})

    assert (body.get("thinking"), losses) == (sent, lost)


@pytest.mark.parametrize(("model", "both"), [("claude-haiku-4-5", False), ("claude-3-7-sonnet-latest", True)])
def test_from_4_on_a_temperature_excludes_a_share_of_the_likeliest(*, model: str, both: bool) -> None:
    body, lost = adapt(model, temperature=0.5, top_p=0.9)

    assert (body["temperature"], body.get("top_p")) == (0.5, 0.9 if both else None)
    assert lost == ([] if both else ["top_p"])


def said(message: str, status: int = 400) -> Problem:
    return Problem(kind="bad_request", status=status, code="invalid_request_error", message=message)


UNKNOWN = "Unexpected value(s) `b-2`, `d-4` for the `anthropic-beta` header. Please consult our documentation."


@pytest.mark.parametrize(
    ("betas", "problem", "refused"),
    [
        (b"a-1, b-2,c-3", said(UNKNOWN), (b"anthropic-beta", frozenset({b"b-2"}))),
        (b"a-1,b-2,d-4", said(UNKNOWN), (b"anthropic-beta", frozenset({b"b-2", b"d-4"}))),
        (b"a-1", said(UNKNOWN), None),
        (b"b-2", said(UNKNOWN, 500), None),
        (b"b-2", said("max_tokens: `b-2`"), None),
    ],
)
def test_betas_that_it_does_not_know_are_named(
    betas: bytes, problem: Problem, refused: tuple[bytes, frozenset[bytes]] | None
) -> None:
    assert PROVIDER.refused_values({b"anthropic-beta": betas}, problem) == refused
    assert PROVIDER.refused_values({}, problem) is None
