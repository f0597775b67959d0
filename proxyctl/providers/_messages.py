"""Make chat messages acceptable to a strict OpenAI-style provider, in either lane.

Messages that pass through are raw JSON: they are opened only when a strict decoder says that something in them is not
what the provider takes, so that an acceptable conversation is forwarded byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.losses import Losses

Json = dict[str, Any]
_QUIET = frozenset({"cache_control", "prompt_cache_breakpoint", "annotations"})
_CALL_MEMBERS = frozenset({"id", "type", "function"})
_EMPTY_ARGUMENTS = re.compile(rb'("arguments"\s*:\s*)""')


class StrictFunction(Struct, forbid_unknown_fields=True):
    name: str
    arguments: Raw = Raw()


class StrictCall(Struct, forbid_unknown_fields=True):
    id: str
    function: StrictFunction
    type: str = "function"


class MessageShape(Struct, frozen=True, kw_only=True):
    """The members that each role's message may have. `renames` are tried before a member is dropped.

    `calls` are the members of a tool call, `marks` what is taken out of content parts in silence.
    """

    members: Mapping[str, frozenset[str]]
    renames: Mapping[str, str] = {}
    role_names: Mapping[str, str] = {}
    calls: frozenset[str] = _CALL_MEMBERS
    marks: frozenset[str] = _QUIET


def acceptable(
    value: Any,
    decoder: msgspec.json.Decoder[Any],
    marks: tuple[bytes, ...] = (b'"cache_control"', b'"prompt_cache_breakpoint"'),
) -> bool:
    """Whether raw messages already are as `decoder` wants them; false for values that somebody has built.

    `marks` are members of content parts, which no decoder here looks into, that must not stand in them.
    """
    if not isinstance(value, Raw):
        return False
    text = bytes(value)
    if any(mark in text for mark in marks):
        return False
    try:
        decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def opened(value: Any) -> list[Json] | None:
    """The messages as values, `None` when they are no list of objects: then the provider will say so itself."""
    try:
        messages = msgspec.json.decode(value) if isinstance(value, Raw) else value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(messages, list) and all(isinstance(message, dict) for message in messages):
        return list(messages)
    return None


def with_arguments(messages: Any) -> Any:
    """Raw messages whose calls have an object's text for arguments, as some servers fail on the empty text.

    Clients keep what a stream without arguments left them with. A quote inside JSON text is escaped, so what is found
    can only be the member itself, and nothing else of the messages changes.
    """
    if isinstance(messages, Raw) and b'""' in (text := bytes(messages)):
        mended, count = _EMPTY_ARGUMENTS.subn(rb'\1"{}"', text)
        return Raw(mended) if count else messages
    return messages


def shaped(messages: list[Json], shape: MessageShape, losses: Losses, label: str) -> list[Json]:
    """Return messages with the members that the provider takes; what said something and had to go is a loss."""
    return [_shaped(message, shape, losses, label, f"messages[{index}]") for index, message in enumerate(messages)]


def with_parts(message: Json, change: Callable[[Json], Json]) -> Json:
    """The message with each content part changed."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [change(part) if isinstance(part, dict) else part for part in content]}


def _shaped(message: Json, shape: MessageShape, losses: Losses, label: str, path: str) -> Json:
    role = shape.role_names.get(str(message.get("role")), str(message.get("role")))
    members = shape.members.get(role)
    if members is None:
        return message
    kept: Json = {}
    for key, value in message.items():
        name = key if key in members else shape.renames.get(key, key)
        if name in members and not (value is None and name != "content"):
            kept.setdefault(name, value)
        elif value not in (None, "", [], {}) and key not in _QUIET:
            losses.add(f"{path}.{key}", f"{label} does not take it")
    kept["role"] = role
    if isinstance(kept.get("tool_calls"), list):
        kept["tool_calls"] = [_call(call, shape.calls, losses, label, path) for call in kept["tool_calls"]]
    return with_parts(kept, lambda part: {key: value for key, value in part.items() if key not in shape.marks})


def _call(call: Any, members: frozenset[str], losses: Losses, label: str, path: str) -> Any:
    if not isinstance(call, dict):
        return call
    for key in sorted(call.keys() - members - {"index"}):
        if call[key]:
            losses.add(f"{path}.tool_calls.{key}", f"{label} does not take it")
    return {key: value for key, value in call.items() if key in members}


def without_tool_marks(fields: Json) -> Json:
    """Take the cache marks out of a body's tools, where they are unknown members."""
    tools = fields.get("tools")
    if isinstance(tools, Raw) and b'"cache_control"' in bytes(tools):
        listed = opened(tools)
        if listed is not None:
            fields["tools"] = [{key: value for key, value in tool.items() if key != "cache_control"} for tool in listed]
    return fields
