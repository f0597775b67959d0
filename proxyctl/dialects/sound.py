"""What every target wants of a request, looked at once for all crossings; the rest is each target's own to judge.

A caller of the same dialect is told by its provider. In translation what is unsound would come to a provider that the
caller never wrote to. Source: the providers' references as of 2026-11.
"""

from __future__ import annotations

from msgspec.structs import replace

from proxyctl.core.chat import ChatRequest, Tool
from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses

_SHOWN = 100
"""Characters of a tool's name that are repeated."""
MOST = 2**31 - 1
"""The largest count of anything: Google's are 32 bits, and nobody's limits come near."""
_SEED = 2**63

_RANGES: tuple[tuple[str, str, float, float], ...] = (
    ("max_output", "the output limit", 0, MOST),
    ("temperature", "the temperature", 0, MOST),
    ("top_p", "top_p", 0, 1),
    ("top_k", "top_k", -1, MOST),
    ("frequency_penalty", "the frequency penalty", -2, 2),
    ("presence_penalty", "the presence penalty", -2, 2),
    ("seed", "the seed", -_SEED, _SEED - 1),
)
"""Numbers beyond which nobody takes them. Each with a name of ours, since dialects have several for it."""


def check_sound(request: ChatRequest) -> None:
    """Raise `DecodeError` for a number that no provider takes, or a chosen tool that is not there."""
    for field, name, lowest, highest in _RANGES:
        value = getattr(request, field)
        if value is not None and not lowest <= value <= highest:
            raise DecodeError(f"{name} must be at least {lowest:.12g} and at most {highest:.12g}")
    choice = request.tool_choice
    if choice is not None and choice.name and all(tool.name != choice.name for tool in request.tools):
        raise DecodeError(f"the tool choice names {choice.name[:_SHOWN]!r}, which is none of the tools that are given")


def unique_tools(request: ChatRequest, losses: Losses) -> ChatRequest:
    """Leave out tools whose name an earlier one has: most providers refuse them, and none could tell their calls."""
    first: dict[str, Tool] = {}
    for index, tool in enumerate(request.tools):
        if tool.name in first:
            losses.add(f"tools[{index}]", "an earlier tool has the same name")
        else:
            first[tool.name] = tool
    return request if len(first) == len(request.tools) else replace(request, tools=tuple(first.values()))
