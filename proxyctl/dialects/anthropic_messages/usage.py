"""Token counts of the messages dialect, both ways: `input_tokens` leaves the cache out, `output_tokens` holds thinking.

Source: wire notes 2026-11, "usage conversion".
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, structs

from proxyctl.core.usage import Usage, UsageSource, disjoint
from proxyctl.dialects.base import Fields

Count: TypeAlias = Annotated[int, Meta(le=2**53)]


class CacheCreation(Struct):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class OutputDetails(Struct):
    thinking_tokens: Count | None = None


class WireUsage(Struct):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None


def merged(early: WireUsage | None, late: WireUsage) -> WireUsage:
    """A stream's counts are cumulative: what the later report says replaces the earlier, never adds to it."""
    if early is None:
        return late
    said = {name: value for name, value in structs.asdict(late).items() if value is not None}
    return structs.replace(early, **said)


def decode_usage(wire: WireUsage, source: UsageSource = "reported") -> Usage:
    read, written = wire.cache_read_input_tokens or 0, wire.cache_creation_input_tokens or 0
    split = wire.cache_creation or CacheCreation()
    hour = split.ephemeral_1h_input_tokens or 0
    five = split.ephemeral_5m_input_tokens or 0
    five += max(0, written - hour - five)  # without a split, everything was written for five minutes
    details = wire.output_tokens_details or OutputDetails()
    return disjoint(
        input_total=(wire.input_tokens or 0) + read + five + hour,
        output_total=wire.output_tokens or 0,
        cache_read=read,
        cache_write_5m=five,
        cache_write_1h=hour,
        reasoning=details.thinking_tokens or 0,
        source=source,
    )


def encode_usage(usage: Usage) -> Fields:
    document: Fields = {
        "input_tokens": usage.input + usage.tool_input,
        "cache_creation_input_tokens": usage.cache_write_total,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output_total,
    }
    if usage.cache_write_total:
        document["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m + usage.cache_write,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning:
        document["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return document
