"""Together's facts: fewer fields, numbers for words, a bare array of models (wire notes 2026-11, "Together AI")."""

import json
from typing import Any

import pytest

from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import decode_fields, encode_json
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from proxyctl.providers._base import ModelInfo
from proxyctl.providers.together import TogetherProvider

PROVIDER = TogetherProvider(name="together")


def adapt(**fields: Any) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    raw = decode_fields(json.dumps(fields).encode())
    adapted = PROVIDER.adapt(dict(raw), dialect="openai-chat", model="m", losses=losses)
    return json.loads(encode_json(adapted)), [entry.path for entry in losses.entries()]


def test_fields_are_renamed_dropped_and_told() -> None:
    body, losses = adapt(
        max_completion_tokens=5,
        stream_options={"include_usage": True},
        user="u",
        parallel_tool_calls=False,
        seed=3,
        logit_bias={"1": 1},
        service_tier="flex",
    )

    assert body == {"max_tokens": 5, "seed": 3, "logit_bias": {"1": 1}}
    assert losses == ["service_tier"]


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"logprobs": True, "top_logprobs": 4}, {"logprobs": 4}),
        ({"logprobs": True}, {"logprobs": 1}),
        ({"logprobs": False}, {}),
        ({"logprobs": None, "top_logprobs": None}, {}),
        ({"logprobs": 3}, {"logprobs": 3}),
    ],
)
def test_logprobs_are_a_number(fields: dict[str, Any], sent: dict[str, Any]) -> None:
    assert adapt(**fields) == (sent, [])


@pytest.mark.parametrize(("stop", "sent"), [("x", ["x"]), (["x", "y"], ["x", "y"]), (None, None)])
def test_stop_is_a_list(stop: Any, sent: Any) -> None:
    assert adapt(stop=stop)[0]["stop"] == sent


@pytest.mark.parametrize(
    ("effort", "sent"),
    [
        ("none", {"reasoning": {"enabled": False}}),
        ("minimal", {"reasoning_effort": "low"}),
        ("medium", {"reasoning_effort": "medium"}),
        ("xhigh", {"reasoning_effort": "high"}),
    ],
)
def test_thinking_is_switched_off_in_another_place(effort: str, sent: dict[str, Any]) -> None:
    assert adapt(reasoning_effort=effort)[0] == sent


@pytest.mark.parametrize(("asked", "lost"), [(True, []), (None, []), (False, ["include_reasoning"])])
def test_thinking_is_always_shown_so_only_asking_for_none_loses_something(
    *, asked: bool | None, lost: list[str]
) -> None:
    assert adapt(include_reasoning=asked) == ({}, lost)


def test_a_functions_strictness_is_left_out_and_told() -> None:
    schema = {"type": "object", "properties": {"strict": {"type": "boolean"}}}

    def tool(**more: Any) -> dict[str, Any]:
        return {"type": "function", "function": {"name": "get", "parameters": schema, **more}}

    body, losses = adapt(tools=[tool(strict=True), tool(strict=False), tool()])

    assert body == {"tools": [tool(), tool(), tool()]}
    assert losses == ["tools[0].function.strict"]


@pytest.mark.parametrize("tools", [[{"type": "function", "strict": True}], "strict", [1, "strict"]])
def test_tools_that_are_none_are_left_to_the_provider(tools: Any) -> None:
    assert adapt(tools=tools) == ({"tools": tools}, [])


def test_an_images_detail_is_left_out_in_silence() -> None:
    text = {"type": "text", "text": 'the "detail"'}
    image: dict[str, Any] = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    detailed = {"type": "image_url", "image_url": {**image["image_url"], "detail": "high"}}

    body, losses = adapt(messages=[{"role": "user", "content": [text, detailed, image]}])

    assert body["messages"] == [{"role": "user", "content": [text, image, image]}]
    assert losses == []


def test_a_403_about_tokens_is_a_prompt_that_is_too_long() -> None:
    body = b'{"error":{"message":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}}'
    other = b'{"error":{"message":"no access"}}'

    assert PROVIDER.refine_problem(OPENAI_CHAT.decode_error(403, body), status=403, body=body).kind == "context_length"
    assert PROVIDER.refine_problem(OPENAI_CHAT.decode_error(403, other), status=403, body=other).kind == "upstream_auth"


def test_the_list_of_models_is_a_bare_array() -> None:
    listed = [
        {"id": "a/b", "type": "chat", "display_name": "B", "organization": "A", "created": 5, "context_length": 9},
        {"id": "c/d", "type": "image", "created": 0},
    ]

    page = PROVIDER.read_models(json.dumps(listed).encode())

    assert page.models == (
        ModelInfo(id="a/b", display_name="B", created=5, owned_by="A", context=9),
        ModelInfo(id="c/d", chat=False),
    )
    assert page.next_target is None
    with pytest.raises(DecodeError):
        PROVIDER.read_models(b'{"data":[]}')


def test_usage_comes_unasked() -> None:
    assert not PROVIDER.asks_stream_usage()
    assert PROVIDER.traits("m").max_tokens_field == "max_tokens"


def test_a_developer_is_a_system_message() -> None:
    asked = {"role": "user", "content": 'what is a "developer"?', "name": "ann"}

    body, losses = adapt(messages=[{"role": "developer", "content": "S"}, asked])

    assert body["messages"] == [{"role": "system", "content": "S"}, asked]
    assert losses == []


@pytest.mark.parametrize(
    ("passing", "told"),
    [
        (b'{"finish_reason":"eos"}', b'{"finish_reason":"stop"}'),
        (b'{"finish_reason": "eos"}', b'{"finish_reason": "stop"}'),
        (b'{"content":"\\"finish_reason\\":\\"eos\\""}', b'{"content":"\\"finish_reason\\":\\"eos\\""}'),
        (b'{"stop":"eos"}', b'{"stop":"eos"}'),
    ],
)
def test_its_own_word_for_stop_is_told_as_stop(passing: bytes, told: bytes) -> None:
    assert PROVIDER.mended(passing) == told
