"""A server that only the config describes."""

import json
from typing import Any

import msgspec
import pytest

from proxyctl.core.losses import Losses
from proxyctl.dialects.base import decode_fields, encode_json
from proxyctl.providers._base import ChatOptions
from proxyctl.providers._registry import KINDS
from proxyctl.providers.openai_compatible import OpenAICompatibleProvider


def provider(**options: Any) -> OpenAICompatibleProvider:
    return OpenAICompatibleProvider(name="local", base_url="http://127.0.0.1:8080/v1/", options=ChatOptions(**options))


def adapt(server: OpenAICompatibleProvider, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    adapted = server.adapt(
        dict(decode_fields(json.dumps(fields).encode())), dialect="openai-chat", model="m", losses=losses
    )
    return json.loads(encode_json(adapted)), [entry.path for entry in losses.entries()]


def test_unknown_fields_pass() -> None:
    assert adapt(provider(), brand_new=1, max_tokens=5) == ({"brand_new": 1, "max_tokens": 5}, [])


@pytest.mark.parametrize("wanted", ["max_tokens", "max_completion_tokens"])
def test_the_limit_is_named_as_the_server_wants(wanted: str) -> None:
    server = provider(max_tokens_field=wanted)

    assert adapt(server, max_tokens=5)[0] == {wanted: 5}
    assert adapt(server, max_completion_tokens=5)[0] == {wanted: 5}
    assert server.traits("m").max_tokens_field == wanted


@pytest.mark.parametrize("kind", ["mistral", "together", "openai", "openai-compatible"])
@pytest.mark.parametrize("names", [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")])
@pytest.mark.parametrize("limits", [(5, None), (None, 5)])
def test_a_limit_is_not_lost_to_its_other_name_that_says_nothing(
    kind: str, names: tuple[str, str], limits: tuple[int | None, int | None]
) -> None:
    options = ChatOptions(max_tokens_field="max_tokens" if kind == "openai-compatible" else None)
    server = KINDS[kind](name="one", base_url="http://127.0.0.1:8080/v1", options=options)
    losses = Losses()
    body = json.dumps(dict(zip(names, limits, strict=True))).encode()

    adapted = server.adapt(dict(decode_fields(body)), dialect="openai-chat", model="gpt-6-luna", losses=losses)

    told = json.loads(encode_json(adapted))
    assert (list(told.values()), losses.entries()) == ([5], ())


def test_the_config_drops_and_renames() -> None:
    server = provider(drop=("seed", "logit_bias"), rename={"top_k": "k"})

    assert adapt(server, seed=1, top_k=3, logit_bias={"1": 1}) == ({"k": 3}, ["logit_bias"])


def test_usage_in_streams_is_asked_for_unless_the_config_says_no() -> None:
    assert provider().asks_stream_usage()
    assert not provider(stream_options=False).asks_stream_usage()


def test_a_model_that_wants_its_thinking_back_gets_it() -> None:
    traits = provider().traits("deepseek-v4")

    assert (traits.reasoning_in, traits.reasoning_required) == ("reasoning_content", True)
    assert not provider().traits("grok-4.3").penalties


def test_the_address_loses_its_last_slash() -> None:
    assert provider().url == "http://127.0.0.1:8080/v1"
    assert not provider().needs_key


def test_the_usual_list_of_models_is_read() -> None:
    page = provider().read_models(b'{"object":"list","data":[{"id":"m","context_window":9}]}')

    assert [(model.id, model.context) for model in page.models] == [("m", 9)]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (
            b'[ {"tool_calls":[{"function":{"arguments" : ""}},{"function":{"arguments":""}}]} ]',
            b'[ {"tool_calls":[{"function":{"arguments" : "{}"}},{"function":{"arguments":"{}"}}]} ]',
        ),
        (
            b'[{"content":"", "tool_calls":[{"function":{"arguments":" "}}]}]',
            b'[{"content":"", "tool_calls":[{"function":{"arguments":" "}}]}]',
        ),
        (b'[{"content":"\\"arguments\\":\\"\\""}]', b'[{"content":"\\"arguments\\":\\"\\""}]'),
    ],
)
def test_a_call_with_the_empty_text_for_arguments_gets_an_object_and_nothing_else_changes(
    written: bytes, sent: bytes
) -> None:
    messages, losses = msgspec.Raw(written), Losses()

    adapted = provider().adapt({"messages": messages}, dialect="openai-chat", model="m", losses=losses)

    assert bytes(adapted["messages"]) == sent
    assert (adapted["messages"] is messages) == (written == sent)
    assert not losses
