"""Where a path goes."""

from __future__ import annotations

import pytest

from proxyctl.dialects.registry import INBOUND
from proxyctl.gateway.inbound import Address
from proxyctl.gateway.routes import model_list_at, resolve

GOOGLE_KEY = {b"x-goog-api-key": b"k"}


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/chat/completions", "openai-chat"),
        ("/chat/completions", "openai-chat"),
        ("/v1/messages", "anthropic-messages"),
        ("/anthropic/v1/messages", "anthropic-messages"),
    ],
)
def test_fixed_paths(path: str, dialect: str) -> None:
    route = resolve(path, GOOGLE_KEY, b"key=k")

    assert (route.dialect.name, route.serves, route.address) == (dialect, True, None)


@pytest.mark.parametrize("path", ["/v1/responses", "/responses"])
def test_responses_go_to_their_dialect_once_it_is_spoken(path: str) -> None:
    route = resolve(path, {}, b"")

    assert route.serves is ("openai-responses" in INBOUND)
    assert not route.serves or route.dialect.name == "openai-responses"


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("/v1beta/models/gemini-3.8-flash:generateContent", "gemini-3.8-flash", False),
        ("/v1/models/gemini-3.8-flash:streamGenerateContent", "gemini-3.8-flash", True),
        ("/v1alpha/models/gemini-3.8-flash:generateContent", "gemini-3.8-flash", False),
        ("/v1beta/models/groq:llama-3.3-70b:streamGenerateContent", "groq:llama-3.3-70b", True),
        ("/v1beta/models/openai/gpt-oss-120b:generateContent", "openai/gpt-oss-120b", False),
        ("/v1beta/models/together:Qwen/Qwen3.8-Flash:generateContent", "together:Qwen/Qwen3.8-Flash", False),
        ("/v1beta/together:Qwen/Qwen3.8-Flash:generateContent", "together:Qwen/Qwen3.8-Flash", False),
        ("/v1beta/tunedModels/mine:generateContent", "tunedModels/mine", False),
        ("/v1beta/models/a:generateContent:generateContent", "a:generateContent", False),
    ],
)
def test_a_model_in_the_path(path: str, model: str, stream: bool) -> None:
    route = resolve(path, {}, b"alt=sse")

    assert route.dialect.name == "gemini-generate"
    assert (route.serves, route.address, route.as_array) == (True, Address(model, stream), False)


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/models/gemini-3.8-flash",
        "/v1beta/models/gemini-3.8-flash:fly",
        "/v1beta/models/:generateContent",
        "/v1beta/models/ :generateContent",
        "/v1beta/gemini-3.8-flash:generateContent",
        "/v2/models/gemini-3.8-flash:generateContent",
        "/v1beta/models",
    ],
)
def test_what_serves_nothing(path: str) -> None:
    assert not resolve(path, {}, b"").serves


@pytest.mark.parametrize("path", ["/v1/models/ :generateContent", "/v1/m:countTokens", "/v2/models/m:generateContent"])
def test_a_verb_of_geminis_is_answered_in_its_words_wherever_it_stands(path: str) -> None:
    route = resolve(path, {b"anthropic-version": b"2026-10-21"}, b"")

    assert (route.dialect.name, route.serves, route.verb) == ("gemini-generate", False, "")


@pytest.mark.parametrize(
    ("query", "as_array"),
    [(b"", True), (b"alt=sse", False), (b"$alt=sse", False), (b"%24alt=sse&key=k", False), (b"alt=json", True)],
)
def test_a_stream_is_an_array_unless_events_are_asked_for(query: bytes, as_array: bool) -> None:
    streamed = resolve("/v1beta/models/m:streamGenerateContent", {}, query)
    whole = resolve("/v1beta/models/m:generateContent", {}, query)

    assert (streamed.as_array, whole.as_array) == (as_array, False)


@pytest.mark.parametrize(
    ("path", "headers", "query", "dialect"),
    [
        ("/v1/models", {}, b"", "openai-chat"),
        ("/v1/models", {b"anthropic-version": b"2023-06-01"}, b"key=k", "anthropic-messages"),
        ("/v1/models", GOOGLE_KEY, b"", "gemini-generate"),
        ("/v1/models", {b"x-goog-api-client": b"genai"}, b"", "gemini-generate"),
        ("/v1/models", {}, b"pageSize=5&key=k", "gemini-generate"),
        ("/v1/models", {}, b"monkey=k", "openai-chat"),
        ("/v1beta/models/x", {}, b"", "gemini-generate"),
        ("/anthropic/nothing", GOOGLE_KEY, b"", "anthropic-messages"),
        ("/nothing", {}, b"", "openai-chat"),
    ],
)
def test_a_path_that_does_not_say_is_guessed_at(
    path: str, headers: dict[bytes, bytes], query: bytes, dialect: str
) -> None:
    assert resolve(path, headers, query).dialect.name == dialect


def test_model_lists_and_their_members() -> None:
    assert model_list_at("/v1beta/models/a/b:c") == "/v1beta/models"
    assert model_list_at("/v1/models") == "/v1/models"
    assert model_list_at("/v1/modelsx") is None


@pytest.mark.parametrize("verb", ["countTokens", "embedContent", "batchEmbedContents"])
@pytest.mark.parametrize(
    ("named", "model"),
    [
        ("/v1beta/models/gemini-3.8-flash", "gemini-3.8-flash"),
        ("/v1/models/groq:llama-3.3-70b", "groq:llama-3.3-70b"),
        ("/v1alpha/models/together:Qwen/Qwen3.8-Flash", "together:Qwen/Qwen3.8-Flash"),
        ("/v1beta/openai/gpt-oss-120b", "openai/gpt-oss-120b"),
    ],
)
def test_what_else_is_asked_of_a_model(named: str, model: str, verb: str) -> None:
    route = resolve(f"{named}:{verb}", {}, b"")

    assert (route.dialect.name, route.serves, route.verb) == ("gemini-generate", False, verb)
    assert route.address == Address(model, stream=False)


def test_side_verbs_need_a_model_too() -> None:
    assert resolve("/v1beta/models/:countTokens", {}, b"").verb == ""
    assert resolve("/v1beta/gemini-3.8-flash:countTokens", {}, b"").verb == ""
