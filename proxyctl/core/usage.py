"""Token counts of one attempt, as disjoint classes that can be added up.

Every provider counts in its own way: some include cached tokens in the prompt, some leave thinking out of the output.
A dialect turns its provider's numbers into this form once; everything behind it only adds. Nothing here knows money.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

UsageSource = Literal["reported", "estimated", "partial"]


class Usage(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Disjoint token counts: no token is in two fields.

    `source` says how far the numbers can be trusted: `reported` by the provider as final, `partial` when the stream
    ended before the final report, `estimated` when the provider reported nothing.
    `billed_input` and `billed_output` are what a provider says that it charges for, where that differs from the
    true size (Cohere); `None` when it makes no such difference.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    tool_input: int = 0
    output: int = 0
    reasoning: int = 0
    billed_input: int | None = None
    billed_output: int | None = None
    source: UsageSource = "reported"

    @property
    def cache_write_total(self) -> int:
        return self.cache_write + self.cache_write_5m + self.cache_write_1h

    @property
    def input_total(self) -> int:
        """Everything the model read: fresh, cached, written to the cache, and tool use."""
        return self.input + self.cache_read + self.cache_write_total + self.tool_input

    @property
    def output_total(self) -> int:
        """Everything the model wrote, thinking included."""
        return self.output + self.reasoning

    @property
    def total(self) -> int:
        return self.input_total + self.output_total


def disjoint(  # noqa: PLR0913 - one keyword a class of tokens
    *,
    input_total: int,
    output_total: int,
    cache_read: int = 0,
    cache_write: int = 0,
    cache_write_5m: int = 0,
    cache_write_1h: int = 0,
    tool_input: int = 0,
    reasoning: int = 0,
    billed_input: int | None = None,
    billed_output: int | None = None,
    source: UsageSource = "reported",
) -> Usage:
    """Make a `Usage` from totals that include their parts, never below zero.

    A provider that reports a part larger than its whole is believed on the part: the whole is then the part.
    """
    parts_in = cache_read + cache_write + cache_write_5m + cache_write_1h + tool_input
    return Usage(
        input=max(0, input_total - parts_in),
        cache_read=cache_read,
        cache_write=cache_write,
        cache_write_5m=cache_write_5m,
        cache_write_1h=cache_write_1h,
        tool_input=tool_input,
        output=max(0, output_total - reasoning),
        reasoning=reasoning,
        billed_input=billed_input,
        billed_output=billed_output,
        source=source,
    )


def added(first: Usage, second: Usage) -> Usage:
    """The counts of two calls that made one answer; the second says how far they can be trusted."""
    counts: dict[str, int] = {}
    for name in Usage.__struct_fields__:
        both = [count for count in (getattr(first, name), getattr(second, name)) if isinstance(count, int)]
        if both:
            counts[name] = sum(both)
    return Usage(**counts, source=second.source)
