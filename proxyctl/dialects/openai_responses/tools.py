"""Tools of a responses request, and the choice among them, to the canonical form.

A namespace is flattened: its tools bear both names in one, everywhere in the request, and the answer gives each back
its two (`namespaces_of`). Tools that their provider runs itself (web search and the like) cannot be offered elsewhere:
an agent that lists one beside its own tools can do without, and it is a loss; a request with no other tool, or one
that forces it, is refused.

Tools may also come as an item of the conversation (`additional_tools`, where Codex puts all of its own for models that
it knows). They are offered from there on; elsewhere a request has one list, and they stand behind the others in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import Tool, ToolChoice
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.custom_tools import custom_tool
from proxyctl.dialects.openai_responses import wire

_MODES: dict[str, Literal["auto", "none", "any"]] = {"auto": "auto", "none": "none", "required": "any"}
_OWN = ("function", "custom")


class _NamedTool(Struct):
    type: str | None = ""
    name: str | None = None
    tools: list[_NamedTool] | None = None


class _Item(Struct):
    type: str | None = None
    tools: Raw = Raw(b"null")


_named_tools = msgspec.json.Decoder(list[_NamedTool] | None)
_items = msgspec.json.Decoder(list[_Item])
_ADDITIONAL = "additional_tools"
_OFFER = re.compile(rb'"type"\s*:\s*"additional_tools"')


def flat_name(namespace: str | None, name: str) -> str:
    """One name for a tool in a namespace, the tool's own without one."""
    if not namespace:
        return name
    return namespace + name if namespace.endswith("__") else f"{namespace}__{name}"


def namespaces_of(asked: Mapping[str, Raw]) -> dict[str, tuple[str, str]]:
    """The namespace and the name of each tool in a request's namespaces, by flat name."""
    spaces: list[_NamedTool] = []
    value = bytes(asked.get("tools", b"null"))
    if b"namespace" in value:
        spaces += _named_tools.decode(value) or ()
    items = bytes(asked.get("input", b"null"))
    if offers_tools(items):
        offers = (item.tools for item in _items.decode(items) if item.type == _ADDITIONAL)
        spaces += (tool for tools in offers for tool in _named_tools.decode(tools) or ())
    return {
        flat_name(space.name, tool.name): (space.name, tool.name)
        for space in spaces
        if space.type == "namespace" and space.name
        for tool in space.tools or ()
        if tool.name
    }


def offers_tools(items: bytes) -> bool:
    """Whether a conversation's JSON text holds tools: texts in it cannot say so, because quotes inside are escaped."""
    return b'"additional_tools"' in items and _OFFER.search(items) is not None


def decode_tools(lists: Iterable[tuple[str, Sequence[wire.Tool]]]) -> tuple[tuple[Tool, ...], list[str]]:
    """The tools of all `lists`, each with its path, and the paths of what was dropped; what comes twice is its last.

    Raises `DecodeError`, `UnsupportedError`.
    """
    tools: dict[str, Tool] = {}
    dropped: list[str] = []
    foreign: list[tuple[str, str]] = []
    for path, namespace, tool in _each(lists):
        if tool.type not in _OWN:
            foreign.append((path, tool.type))
            continue
        if not tool.name:
            raise DecodeError("a tool needs a name", path=f"{path}.name")
        if tool.type == "custom" and tool.format and tool.format.get("type") != "text":
            dropped.append(f"{path}.format")
        name = flat_name(namespace, tool.name)
        tools[name] = _tool(tool, name)
    if foreign and not tools:
        path, kind = foreign[0]
        raise UnsupportedError(f"the tool {kind!r} runs at its provider and cannot be translated", param=f"{path}.type")
    return tuple(tools.values()), dropped + [path for path, _ in foreign]


def decode_tool_choice(choice: wire.ToolChoice | str | None) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        return ToolChoice(_mode(choice, "tool_choice"))
    if choice.type == "allowed_tools":
        names = tuple(flat_name(tool.namespace, tool.name) for tool in choice.tools if tool.name)
        return ToolChoice(_mode(choice.mode, "tool_choice.mode"), None, names)
    if choice.type not in ("function", "custom"):
        message = f"the tool {choice.type!r} runs at its provider and cannot be translated"
        raise UnsupportedError(message, param="tool_choice")
    if not choice.name:
        raise DecodeError("it names no tool", path="tool_choice.name")
    return ToolChoice("tool", flat_name(choice.namespace, choice.name))


def _each(lists: Iterable[tuple[str, Sequence[wire.Tool]]]) -> Iterator[tuple[str, str | None, wire.Tool]]:
    """Each tool with its path and its namespace."""
    numbered = ((f"{where}[{index}]", tool) for where, tools in lists for index, tool in enumerate(tools))
    for path, tool in numbered:
        if tool.type != "namespace":
            yield path, None, tool
            continue
        if not tool.name:
            raise DecodeError("a namespace needs a name", path=f"{path}.name")
        for position, inner in enumerate(tool.tools or ()):
            yield f"{path}.tools[{position}]", tool.name, inner


def _tool(tool: wire.Tool, name: str) -> Tool:
    if tool.type == "custom":
        return custom_tool(name, tool.description)
    return Tool(name=name, description=tool.description, schema=tool.parameters, strict=tool.strict)


def _mode(word: str, path: str) -> Literal["auto", "none", "any"]:
    if word not in _MODES:
        raise DecodeError(f"{word!r} is none of auto, none, required", path=path)
    return _MODES[word]
