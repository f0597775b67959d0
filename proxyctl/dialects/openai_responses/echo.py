"""What a response repeats of its request: OpenAI's typed clients require half of these members.

A value stands as the caller wrote it, in one line because a stream's frame is one; what the caller left out stands as
its documented default, or as null where the default is the provider's own affair. Source: wire notes 2026-11, "OpenAI".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from proxyctl.dialects.base import Fields

_DEFAULTS: Fields = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
_FUNCTION: Fields = {"parameters": None, "strict": None}


def echoed(asked: Mapping[str, Raw]) -> Fields:
    """The members that repeat the request's top level `asked`."""
    fields = dict(_DEFAULTS)
    for name in _DEFAULTS.keys() & asked.keys():
        value = bytes(asked[name])
        if value != b"null":
            fields[name] = _COMPLETED[name](value) if name in _COMPLETED else Raw(msgspec.json.format(value, indent=-1))
    return fields


def _tools(value: bytes) -> list[Fields]:
    return [_tool(tool) for tool in msgspec.json.decode(value)]


def _tool(tool: Fields) -> Fields:
    if tool.get("type") == "function":
        return {**_FUNCTION, **tool}
    return {"description": "", **tool} if tool.get("type") == "namespace" else tool


def _text(value: bytes) -> Fields:
    text: dict[str, Any] = msgspec.json.decode(value)
    return text if text.get("format") is not None else {**text, **_DEFAULTS["text"]}


_COMPLETED = {"tools": _tools, "text": _text}
"""Members of which clients leave out what their own types then require in the answer."""
