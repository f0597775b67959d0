"""What OpenAI's models take, read from their names. Source: wire notes 2026-11, "OpenAI", and the model pages.

A name that says no version, or a newer one than we know, gets the newest rules: a wrong guess then costs a loss, or the
other endpoint, and not a 400.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from proxyctl.core.chat import Effort
from proxyctl.dialects.traits import ModelTraits

ToolsOnChat = Literal["yes", "unthinking", "no"]
"""Whether chat completions take function tools: always, only with effort `none`, or never."""

_GPT = re.compile(r"(?<![a-z])(?:chat)?gpt-(\d{1,2})(?:\.(\d{1,2}))?(?![.\d])")
_O_SERIES = re.compile(r"(?<![a-z0-9])o(\d)(?![a-z0-9.])")
_RESPONSES_ONLY = re.compile(r"-(pro|codex|deep-research)(-|$)|(?<![a-z])codex-|computer-use")
_OLD_STYLE = re.compile(r"-instruct|davinci-|babbage-")
_NEWEST = (99, 0)


class ModelRules(Struct, frozen=True, kw_only=True):
    """One model's facts. `chat`, `completions`: whether these endpoints serve it at all.

    `sampling_unthinking`: temperature and the like are taken with effort `none`, and refused with any other.
    """

    traits: ModelTraits
    thinks: bool = True
    chat: bool = True
    completions: bool = False
    tools_on_chat: ToolsOnChat = "yes"
    sampling_unthinking: bool = False


_PLAIN = ModelTraits(top_k=False, stop_limit=4, audio=False, media_in_tool_results=False, thinking="none")
_THINKING = replace(_PLAIN, max_output=128_000, penalties=False, stop=False, thinking="effort", thinks_unasked=True)

_UP_TO_HIGH: tuple[Effort, ...] = ("low", "medium", "high")
_UP_TO_XHIGH: tuple[Effort, ...] = (*_UP_TO_HIGH, "xhigh")
_UP_TO_MAX: tuple[Effort, ...] = (*_UP_TO_XHIGH, "max")
"""`max` can be said to `/responses` only."""

_GENERATIONS: tuple[tuple[tuple[int, int], tuple[Effort, ...], bool, ToolsOnChat, bool], ...] = (
    ((6, 2), _UP_TO_MAX, False, "no", False),
    ((6, 1), _UP_TO_MAX, True, "no", True),
    ((6, 0), _UP_TO_MAX, True, "unthinking", True),
    ((5, 6), _UP_TO_XHIGH, True, "unthinking", True),
    ((5, 2), _UP_TO_XHIGH, True, "yes", True),
    ((5, 1), _UP_TO_HIGH, True, "yes", True),
    ((5, 0), ("minimal", *_UP_TO_HIGH), False, "yes", False),
)
"""Since which version: efforts, whether thinking can be switched off, tools on chat, sampling without thinking."""


def rules_of(model: str) -> ModelRules:
    """The rules of a model's name, dated and fine-tuned ones included."""
    name = model.lower()
    if _OLD_STYLE.search(name):
        traits = replace(_PLAIN, max_output=4096, images=False, documents=False, tools=False, json_schema=False)
        return ModelRules(traits=traits, thinks=False, chat=False, completions=True)
    if match := _O_SERIES.search(name):
        return _o_series(int(match.group(1)), name)
    match = _GPT.search(name)
    version = (int(match.group(1)), int(match.group(2) or 0)) if match else _versionless(name)
    if version < (5, 0) or "-chat" in name:
        return ModelRules(traits=_before_5(version, name), thinks=False)
    return _thinking(version, name)


def _versionless(name: str) -> tuple[int, int]:
    """Sound models bear none, and are of the family of `gpt-4o`."""
    return (4, 0) if "audio" in name else _NEWEST


def _thinking(version: tuple[int, int], name: str) -> ModelRules:
    _, efforts, can_be_off, tools, sampling = next(row for row in _GENERATIONS if version >= row[0])
    if "astra" in name:
        tools = "no"
    traits = replace(_THINKING, thinking_efforts=efforts, thinking_off=can_be_off, sampling=sampling)
    return ModelRules(
        traits=traits,
        chat=_RESPONSES_ONLY.search(name) is None,
        tools_on_chat=tools,
        sampling_unthinking=sampling,
    )


def _o_series(number: int, name: str) -> ModelRules:
    mini = "mini" in name
    traits = replace(
        _THINKING,
        max_output=100_000 if number >= 3 or not mini else 65_536,
        thinking_efforts=_UP_TO_HIGH,
        thinking_off=False,
        sampling=False,
        images=number != 3 or not mini,
    )
    return ModelRules(traits=traits, chat=_RESPONSES_ONLY.search(name) is None)


def _before_5(version: tuple[int, int], name: str) -> ModelTraits:
    """Models that do not think, and take sampling, penalties and up to four stop sequences."""
    if "-chat" in name and version >= (5, 0):
        return replace(_PLAIN, max_output=16_384)
    if version >= (4, 1):
        return replace(_PLAIN, max_output=32_768)
    if "4o" in name or "audio" in name:
        return replace(_PLAIN, max_output=16_384, audio="audio" in name, images="audio" not in name)
    sees = "turbo" in name and version >= (4, 0)
    return replace(
        _PLAIN, max_output=4096 if "turbo" in name else 8192, images=sees, documents=False, json_schema=False
    )
