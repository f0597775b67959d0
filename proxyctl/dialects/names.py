"""Tool names and call ids, made to fit a target, and made back.

A tool's name that its target refuses is replaced in the declarations, the tool choice and the history alike; the same
mapping, built again from the request's tools, gives the caller its own names back in the answer. Everything here is a
pure function of its input: the same conversation gives the same bytes, turn after turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeVar

from msgspec import structs

from proxyctl.core.chat import Answer, Part, Tool, ToolCallPart
from proxyctl.core.events import Event, PartStart
from proxyctl.core.losses import Losses
from proxyctl.dialects.traits import ModelTraits

_HASH = 8
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")

EventOrPart = TypeVar("EventOrPart", Event, Part)


class ToolNames:
    """One request's tool names, forward to the target's and back to the caller's. False when nothing changes."""

    def __init__(self, allowed: str, limit: int) -> None:
        self._allowed = re.compile(allowed)
        self._limit = limit
        self._forward: dict[str, str] = {}
        self._back: dict[str, str] = {}

    @classmethod
    def of(cls, tools: Iterable[Tool], traits: ModelTraits, losses: Losses | None = None) -> ToolNames:
        """Map the request's declared tools by the target's rules; each changed name is a loss if `losses` are given."""
        names = cls(traits.tool_name_pattern, traits.tool_name_limit)
        declared = list(tools)
        taken = {tool.name for tool in declared if names._fitted(tool.name) == tool.name}
        for index, tool in enumerate(declared):
            fitted = names._fitted(tool.name)
            if fitted == tool.name:
                continue
            if fitted in taken:
                fitted = names._hashed(fitted, tool.name)
            taken.add(fitted)
            names._forward[tool.name] = fitted
            names._back[fitted] = tool.name
            if losses is not None:
                losses.add(f"tools[{index}].name", f"the target takes no {tool.name!r}: sent as {fitted!r}")
        return names

    def __bool__(self) -> bool:
        return bool(self._forward)

    def forward(self, name: str) -> str:
        """The name that the target sees, also for a tool that only the history knows."""
        return self._forward.get(name) or self._fitted(name)

    def back(self, name: str) -> str:
        """The caller's own name."""
        return self._back.get(name, name)

    def restore(self, item: EventOrPart) -> EventOrPart:
        """Give a stream event or a part of an answer its caller's tool name back."""
        if isinstance(item, (PartStart, ToolCallPart)) and item.name in self._back:
            return structs.replace(item, name=self._back[item.name])
        return item

    def restore_answer(self, answer: Answer) -> Answer:
        """The same for a whole answer."""
        if not self._back:
            return answer
        return structs.replace(answer, parts=tuple(self.restore(part) for part in answer.parts))

    def _fitted(self, name: str) -> str:
        fitted = "".join(char if self._allowed.fullmatch(char) else "_" for char in name) or "_"
        if fitted[0].isdigit():
            fitted = "_" + fitted
        return fitted if len(fitted) <= self._limit else self._hashed(fitted, name)

    def _hashed(self, fitted: str, original: str) -> str:
        return fitted[: self._limit - _HASH] + _digest(original, _HASH)


def fitted_id(value: str, *, limit: int = 64) -> str:
    """A tool call id of at most `limit` letters, digits, `_` or `-`: the same one, or a stable stand-in."""
    if value and len(value) <= limit and _PLAIN_ID.fullmatch(value):
        return value
    return "call_" + _digest(value, 24)


def made_up_id(*seeds: object) -> str:
    """A deterministic call id for a call that came without one: the same seeds give the same id."""
    return "call_" + _digest("\x1f".join(map(str, seeds)), 20)


def _digest(text: str, length: int) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=length // 2).hexdigest()
