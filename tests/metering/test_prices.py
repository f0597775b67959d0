"""Costs against values computed by hand from the published prices, and against the library that holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.usage import Usage
from proxyctl.metering.prices import PriceBook

NOVEMBER = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
DECEMBER = datetime(2026, 12, 2, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def prices() -> PriceBook:
    book = PriceBook()
    book.load()
    return book


def test_every_class_of_tokens_has_its_own_rate(prices: PriceBook) -> None:
    """Opus 5.5: 90k fresh at 4, 100k read at 0.2, 50k written for 5 min at 5, 10k for an hour at 8, 1k out at 20."""
    usage = Usage(input=90_000, cache_read=100_000, cache_write_5m=50_000, cache_write_1h=10_000, output=1_000)

    assert prices.cost("anthropic", "claude-opus-5-5", usage, NOVEMBER) == Decimal("0.73")


def test_a_write_of_unknown_life_costs_the_ordinary_write(prices: PriceBook) -> None:
    usage = Usage(cache_write=1_000_000)

    assert prices.cost("anthropic", "claude-opus-5-5", usage, NOVEMBER) == Decimal(5)


def test_a_tier_prices_the_whole_request(prices: PriceBook) -> None:
    """Gemini 2.5 Pro beyond 200k: 200k at 2.5, 100k cached at 0.25, 1k out at 15."""
    usage = Usage(input=200_000, cache_read=100_000, output=1_000)

    assert prices.cost("google", "gemini-2.5-pro", usage, NOVEMBER) == Decimal("0.54")


def test_the_tier_begins_beyond_its_threshold(prices: PriceBook) -> None:
    at, beyond = Usage(input=200_000), Usage(input=200_001)

    assert prices.cost("google", "gemini-2.5-pro", at, NOVEMBER) == Decimal("0.25")
    assert prices.cost("google", "gemini-2.5-pro", beyond, NOVEMBER) == Decimal("0.5000025")


@pytest.mark.parametrize(("at", "expected"), [(NOVEMBER, "0.012"), (DECEMBER, "0.024")])
def test_the_price_is_that_of_the_requests_day(prices: PriceBook, at: float, expected: str) -> None:
    usage = Usage(input=1_000, output=1_000)

    assert prices.cost("google", "gemini-4-argon", usage, at) == Decimal(expected)


def test_thinking_costs_what_output_costs(prices: PriceBook) -> None:
    written = prices.cost("google", "gemini-2.5-pro", Usage(output=900), NOVEMBER)
    thought = prices.cost("google", "gemini-2.5-pro", Usage(output=500, reasoning=400), NOVEMBER)

    assert written == thought == Decimal("0.009")


def test_billed_counts_are_what_is_paid(prices: PriceBook) -> None:
    """Cohere counts its own template in `tokens` and bills `billed_units`: 1,000 at 2.5 and 100 at 10."""
    usage = Usage(input=1_500, output=120, billed_input=1_000, billed_output=100)

    assert prices.cost("cohere", "command-a-03-2025", usage, NOVEMBER) == Decimal("0.0035")


@pytest.mark.parametrize(
    ("price_id", "model"),
    [
        (None, "claude-opus-5-5"),
        ("anthropic", "claude-mythos-5"),
        ("anthropic", ""),
        ("nobody", "claude-opus-5-5"),
        ("google", "gemini-4-carbon"),
        ("cohere", "command-a-plus-05-2026"),
    ],
)
def test_what_is_unknown_has_no_cost(prices: PriceBook, price_id: str | None, model: str) -> None:
    assert prices.cost(price_id, model, Usage(input=1, output=1), NOVEMBER) is None


def test_free_is_not_unknown(prices: PriceBook) -> None:
    assert prices.cost("google", "gemma-4-31b-it", Usage(input=10, output=10), NOVEMBER) == Decimal(0)
    assert prices.price("google", "gemma-4-31b-it", NOVEMBER) == (Decimal(0), Decimal(0))


def test_tokens_of_a_model_that_is_priced_by_the_hour_are_unknown(prices: PriceBook) -> None:
    assert prices.cost("groq", "whisper-large-v3", Usage(input=10), NOVEMBER) is None


def test_a_moving_name_is_not_guessed(prices: PriceBook) -> None:
    """The price data matches it to an entry that it has left long ago."""
    assert prices.cost("mistral", "mistral-large-latest", Usage(input=1), NOVEMBER) is None


def test_a_moving_name_with_an_entry_of_its_own_is_priced(prices: PriceBook) -> None:
    assert prices.price("mistral", "mistral-small-latest", NOVEMBER) == (Decimal("0.15"), Decimal("0.6"))


def test_the_served_name_is_believed_first(prices: PriceBook) -> None:
    usage = Usage(input=1_000_000)

    assert prices.cost("mistral", "mistral-large-latest", usage, NOVEMBER, served="mistral-large-4") == Decimal("0.7")


def test_a_served_name_without_a_price_leaves_the_one_asked_for(prices: PriceBook) -> None:
    usage = Usage(input=1_000_000)

    assert prices.cost("anthropic", "claude-opus-5-5", usage, NOVEMBER, served="internal-name") == Decimal(4)


@pytest.mark.parametrize(
    "name", ["claude-opus-5-5", "anthropic/claude-opus-5-5", "claude-opus-5-5-20260101", "CLAUDE-OPUS-5-5"]
)
def test_prefixes_dates_and_case_do_not_matter(prices: PriceBook, name: str) -> None:
    assert prices.price("anthropic", name, NOVEMBER) == (Decimal(4), Decimal(20))


def test_the_resource_form_of_a_name_is_understood(prices: PriceBook) -> None:
    assert prices.price("google", "models/gemini-2.5-flash", NOVEMBER) == (Decimal("0.3"), Decimal("2.5"))


def test_nothing_has_a_price_before_loading() -> None:
    book = PriceBook()

    assert not book.loaded
    assert book.cost("anthropic", "claude-opus-5-5", Usage(input=1), NOVEMBER) is None
    assert book.price("anthropic", "claude-opus-5-5", NOVEMBER) is None
    assert book.models("anthropic") == frozenset()


def test_the_names_of_a_provider_are_exact_ones(prices: PriceBook) -> None:
    names = prices.models("anthropic")

    assert {"claude-opus-5-5", "claude-haiku-5-5"} <= names
    assert "gemini-2.5-pro" not in names
    assert prices.models(None) == prices.models("nobody") == frozenset()


def test_many_names_do_not_fill_the_memory(prices: PriceBook) -> None:
    for number in range(5_000):
        prices.cost("groq", f"nothing-{number}", Usage(input=1), NOVEMBER)

    assert len(prices._models) <= 4_096
    assert prices.price("groq", "llama-3.1-8b-instant", NOVEMBER) == (Decimal("0.05"), Decimal("0.08"))


tokens = st.integers(0, 400_000)
usages = st.builds(
    Usage,
    input=tokens,
    cache_read=tokens,
    cache_write_5m=tokens,
    cache_write_1h=tokens,
    output=tokens,
    reasoning=tokens,
)
models = st.sampled_from(
    [
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "claude-haiku-5-5"),
        ("google", "gemini-2.5-pro"),
        ("google", "gemini-4-argon"),
        ("groq", "openai/gpt-oss-120b"),
        ("openai", "gpt-5.5"),
        ("together", "moonshotai/Kimi-K3"),
        ("mistral", "mistral-large-4"),
        ("perplexity", "sonar-pro"),
        ("deepseek", "deepseek-v4-pro"),
    ]
)


@given(usage=usages, model=models, at=st.floats(NOVEMBER, DECEMBER))
def test_our_arithmetic_is_the_librarys(prices: PriceBook, usage: Usage, model: tuple[str, str], at: float) -> None:
    """The library adds up totals that hold their parts; we add up the parts."""
    judge = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input_total,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write_total,
            cache_write_5m_tokens=usage.cache_write_5m,
            cache_write_1h_tokens=usage.cache_write_1h,
            output_tokens=usage.output_total,
            output_reasoning_tokens=usage.reasoning,
        ),
        model[1],
        provider_id=model[0],
        genai_request_timestamp=datetime.fromtimestamp(at, UTC),
    )

    assert prices.cost(*model, usage, at) == judge.total_price
