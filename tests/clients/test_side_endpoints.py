"""The official SDKs on the endpoints beside chat, before a daemon and a simulator that are processes."""

from __future__ import annotations

import io
from collections.abc import Iterator

import anthropic
import cohere
import httpx
import openai
import pytest

from proxyctl.simulator.beside import vector

from .home import SECONDS, Home
from .simulated import Simulated
from .targets import EMBEDDERS

COUNTERS = ("anthropic:claude-sonnet-5-5", "gemini:gemini-3.8-flash", "groq:llama-3.3-70b-versatile")
RERANKERS = ("cohere:rerank-v5.0-pro", "together:Salesforce/Llama-Rank-V1", "local:local-rerank")
COMPLETERS = ("local:gpt-4.1", "together:Qwen/Qwen3.8-Flash", "gemini:gemini-3.8-flash", "anthropic:claude-sonnet-5-5")
HEARERS = ("groq:whisper-large-v3", "mistral:voxtral-mini-latest", "local:whisper-1")


@pytest.fixture
def cohere_client(daemon: Home) -> Iterator[cohere.ClientV2]:
    with httpx.Client(trust_env=False, timeout=SECONDS) as http:
        yield cohere.ClientV2(api_key="the gateway asks for none", base_url=daemon.url, httpx_client=http)


@pytest.mark.parametrize("provider", EMBEDDERS)
def test_openais_sdk_asks_for_base64_and_reads_numbers(lax_openai: openai.OpenAI, provider: str) -> None:
    """Its strict types know no base64, which it asks for itself."""
    model, size = EMBEDDERS[provider]

    answer = lax_openai.embeddings.create(model=f"{provider}:{model}", input=["one", "two"])

    assert [item.index for item in answer.data] == [0, 1]
    assert [len(item.embedding) for item in answer.data] == [size, size]
    if provider != "gemini":
        assert answer.data[1].embedding == vector("two", size)
    assert answer.usage.total_tokens > 0


@pytest.mark.parametrize("model", COUNTERS)
def test_anthropics_sdk_counts_tokens(strict_anthropic: anthropic.Anthropic, simulated: Simulated, model: str) -> None:
    counted = strict_anthropic.messages.count_tokens(
        model=model, system="Be brief.", messages=[{"role": "user", "content": "Good morning, how are you?"}]
    )

    assert 0 < counted.input_tokens < 40
    asked = [seen.path.rpartition("/")[2] for seen in simulated.seen()]
    assert asked == ([] if "groq" in model else ["count_tokens"] if "claude" in model else [f"{model[7:]}:countTokens"])


def test_openais_sdk_counts_a_conversation_that_the_gateway_keeps(
    strict_openai: openai.OpenAI, simulated: Simulated
) -> None:
    first = strict_openai.responses.create(model="gemini:gemini-3.8-flash", input="Good morning to you")

    counted = strict_openai.responses.input_tokens.count(
        model="gemini:gemini-3.8-flash", input="And to you", previous_response_id=first.id
    )

    expected = len("Good morning to you" + first.output_text + "And to you") // 4
    assert counted.input_tokens == expected
    assert "previous_response_id" not in simulated.seen()[-1].raw.decode()


def test_openais_sdk_counts_input_tokens(strict_openai: openai.OpenAI) -> None:
    counted = strict_openai.responses.input_tokens.count(model="gemini:gemini-3.8-flash", input="Good morning to you")

    assert counted.input_tokens == len("Good morning to you") // 4


@pytest.mark.parametrize("model", RERANKERS)
def test_coheres_sdk_reranks(cohere_client: cohere.ClientV2, model: str) -> None:
    answer = cohere_client.rerank(model=model, query="red apples", documents=["grey", "red apples", "red"], top_n=2)

    assert [(one.index, one.relevance_score) for one in answer.results] == [(1, 1.0), (2, 0.5)]


def test_coheres_sdk_reads_a_refusal(cohere_client: cohere.ClientV2) -> None:
    with pytest.raises(cohere.BadRequestError) as refused:
        cohere_client.rerank(model="groq:llama-3.3-70b-versatile", query="x", documents=["y"])

    assert "no reranking" in refused.value.body["message"]


@pytest.mark.parametrize("model", COMPLETERS)
def test_openais_sdk_completes_a_prompt(strict_openai: openai.OpenAI, lax_openai: openai.OpenAI, model: str) -> None:
    """Its strict types want a finish reason in every chunk, which OpenAI does not send."""
    whole = strict_openai.completions.create(model=model, prompt="Good morning", max_tokens=300)
    chunks = list(lax_openai.completions.create(model=model, prompt="Good morning", max_tokens=300, stream=True))

    assert whole.choices[0].text.endswith("You wrote: Good morning")
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == whole.choices[0].text


@pytest.mark.parametrize("model", HEARERS)
def test_openais_sdk_transcribes(lax_openai: openai.OpenAI, model: str) -> None:
    sound = io.BytesIO(bytes(50_000))
    sound.name = "talk.wav"

    answer = lax_openai.audio.transcriptions.create(model=model, file=sound)

    assert answer.text == "You sent 50000 bytes as talk.wav."


def test_an_unknown_model_is_the_sdks_own_not_found(strict_openai: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        strict_openai.embeddings.create(model="nobody-has-this", input="x")
