"""Token counts of the responses dialect, both ways: `input_tokens` holds the cached ones, `output_tokens` the thinking.

Both details objects are always written: the official types require them. Source: wire notes 2026-11, "usage
conversion".
"""

from __future__ import annotations

from msgspec import Raw, Struct

from proxyctl.core.usage import Usage, UsageSource, disjoint
from proxyctl.dialects.base import Fields
from proxyctl.dialects.openai_chat.usage import Count, count
from proxyctl.dialects.typed import understood


class InputDetails(Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None


class OutputDetails(Struct):
    reasoning_tokens: Count | None = None


class WireUsage(Struct):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


def usage_of(value: Raw, source: UsageSource = "reported") -> Usage | None:
    """The counts in a `usage` member, `None` when it holds none that anybody can read."""
    counts = understood(value, WireUsage)
    return None if counts is None else decode_usage(counts, source)


def decode_usage(wire: WireUsage, source: UsageSource = "reported") -> Usage:
    read, written = wire.input_tokens_details or InputDetails(), wire.output_tokens_details or OutputDetails()
    return disjoint(
        input_total=count(wire.input_tokens),
        output_total=count(wire.output_tokens),
        cache_read=count(read.cached_tokens),
        cache_write=count(read.cache_write_tokens),
        reasoning=count(written.reasoning_tokens),
        source=source,
    )


def encode_usage(usage: Usage) -> Fields:
    return {
        "input_tokens": usage.input_total,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write_total},
        "output_tokens": usage.output_total,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
