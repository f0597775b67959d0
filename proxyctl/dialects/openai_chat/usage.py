"""Token counts of OpenAI-style servers, both ways.

`prompt_tokens` includes the cached ones and `completion_tokens` the thinking, with two exceptions that are seen in the
numbers themselves: a server whose total is prompt + completion + reasoning counts thinking apart (xAI), and cache hits
may stand beside the details (DeepSeek, Together). Source: wire notes 2026-11, "usage conversion".
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from proxyctl.core.usage import Usage, UsageSource, disjoint
from proxyctl.dialects.base import Fields

Count: TypeAlias = Annotated[int, Meta(le=2**53)] | Annotated[float, Meta(le=2**53)]


class PromptDetails(Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None


class CompletionDetails(Struct):
    reasoning_tokens: Count | None = None


class WireUsage(Struct):
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    cached_tokens: Count | None = None


def decode_usage(wire: WireUsage, source: UsageSource = "reported") -> Usage:
    prompt, completion = count(wire.prompt_tokens), count(wire.completion_tokens)
    cached = written = reasoning = 0
    if wire.prompt_tokens_details is not None:
        cached = count(wire.prompt_tokens_details.cached_tokens)
        written = count(wire.prompt_tokens_details.cache_write_tokens)
    if wire.completion_tokens_details is not None:
        reasoning = count(wire.completion_tokens_details.reasoning_tokens)
    cached = cached or count(wire.prompt_cache_hit_tokens) or count(wire.cached_tokens)
    if reasoning and count(wire.total_tokens) == prompt + completion + reasoning:
        completion += reasoning
    return disjoint(
        input_total=prompt,
        output_total=completion,
        cache_read=cached,
        cache_write=written,
        reasoning=reasoning,
        source=source,
    )


def encode_usage(usage: Usage) -> Fields:
    details: Fields = {"cached_tokens": usage.cache_read}
    if usage.cache_write_total:
        details["cache_write_tokens"] = usage.cache_write_total
    return {
        "prompt_tokens": usage.input_total,
        "completion_tokens": usage.output_total,
        "total_tokens": usage.total,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def count(value: float | None) -> int:
    """A number of tokens as some servers write it: absent, a fraction, below zero."""
    return max(0, int(value)) if value is not None else 0
