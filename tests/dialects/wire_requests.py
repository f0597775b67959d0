"""Conversations written down as clients write them, and read back from what providers get.

A `Talk` is what was said, in no dialect. Three writers render it as the documented request of a client's dialect; five
readers find it again in the body of a provider's dialect. None of them is ours: they are written from the wire notes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from google.genai import types
from hypothesis import strategies as st
from msgspec import Struct

from proxyctl.core.chat import DialectName

Json = dict[str, Any]
Fact = tuple[Any, ...]

BETWEEN = "OK."
"""What Mistral's order of roles may need between a tool's result and a user's words."""


class Call(Struct, frozen=True):
    id: str
    name: str
    arguments: Json


class Turn(Struct, frozen=True):
    """What one side says: results first, then words, then calls. `failed` are the positions of failed results."""

    role: str
    text: str = ""
    calls: tuple[Call, ...] = ()
    results: tuple[tuple[Call, str], ...] = ()
    failed: tuple[int, ...] = ()


class Talk(Struct, frozen=True):
    system: tuple[str, ...]
    turns: tuple[Turn, ...]

    def facts(self) -> list[Fact]:
        """Who said what, in order: the names and arguments of calls, the texts of results."""
        found: list[Fact] = [("system", squeezed("".join(self.system)))]
        for turn in self.turns:
            for position, (call, text) in enumerate(turn.results):
                found.append(("result", call.name, text, position in turn.failed))
            if turn.text:
                found.append((turn.role, turn.text))
            found += [("call", call.name, call.arguments) for call in turn.calls]
        return found


words = st.sampled_from(
    ["Hi", "Grüße \u2028 \U0001f600", "data: {}\n\ndata: [DONE]", 'a "quoted" \\ word', "0"]
) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip()) and not text.startswith("Error: ") and text != BETWEEN
)
values = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
arguments = st.dictionaries(words, values | st.lists(values, max_size=2), max_size=3)
names = st.sampled_from(["get", "put_it", "look-up", "a" * 64])


@st.composite
def talks(draw: st.DrawFn, *, failures: bool) -> Talk:
    """A sound conversation that ends with the user. `failures`: some results are marked as failed."""
    turns = [Turn("user", draw(words))]
    number = 0
    for _ in range(draw(st.integers(0, 3))):
        calls = []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            calls.append(Call(f"call_{number}", draw(names), draw(arguments)))
        text = draw(words) if not calls or draw(st.booleans()) else ""
        turns.append(Turn("assistant", text, tuple(calls)))
        results = tuple((call, draw(words)) for call in calls)
        failed = tuple(at for at in range(len(calls)) if failures and draw(st.booleans()))
        turns.append(Turn("user", draw(words) if not calls or draw(st.booleans()) else "", (), results, failed))
    return Talk(tuple(draw(st.lists(words, max_size=2))), tuple(turns))


def written(dialect: DialectName, talk: Talk, **fields: Any) -> bytes:
    """The request of a client that speaks `dialect`, compact as SDKs write it."""
    body = _WRITERS[dialect](talk)
    return json.dumps({"model": "m", **body, **fields}, ensure_ascii=False, separators=(",", ":")).encode()


def read_back(dialect: DialectName, body: Json) -> list[Fact]:
    """The same facts, from a provider's body. A result whose call is unknown is a `KeyError`."""
    readers = {
        "openai-chat": _read_chat,
        "openai-responses": _read_responses,
        "anthropic-messages": _read_messages,
        "gemini-generate": _read_gemini,
        "cohere-chat": _read_cohere,
    }
    system, *facts = readers[dialect](body)
    return [("system", squeezed(system[1])), *facts]


def squeezed(text: str) -> str:
    """Text without white space: dialects join system texts in their own ways."""
    return "".join(text.split())


def declared(talk: Talk) -> list[str]:
    """The names of the tools that the talk needs."""
    return sorted({call.name for turn in talk.turns for call in turn.calls})


def _chat(talk: Talk) -> Json:
    messages: list[Json] = [{"role": "system", "content": text} for text in talk.system]
    for turn in talk.turns:
        messages += [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in turn.results]
        if turn.calls:
            calls = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": json.dumps(call.arguments) if call.arguments else ""},
                }
                for call in turn.calls
            ]
            messages.append({"role": "assistant", "content": turn.text or None, "tool_calls": calls})
        elif turn.text:
            messages.append({"role": turn.role, "content": turn.text})
    tools = [
        {"type": "function", "function": {"name": name, "description": "d", "parameters": _SCHEMA}}
        for name in declared(talk)
    ]
    return {"messages": messages, **({"tools": tools} if tools else {})}


def _responses(talk: Talk) -> Json:
    items: list[Json] = [{"type": "message", "role": "developer", "content": text} for text in talk.system]
    for turn in talk.turns:
        items += [{"type": "function_call_output", "call_id": call.id, "output": text} for call, text in turn.results]
        if turn.text:
            kind = "output_text" if turn.role == "assistant" else "input_text"
            items.append({"role": turn.role, "content": [{"type": kind, "text": turn.text}]})
        items += [
            {
                "type": "function_call",
                "id": f"fc_{call.id}",
                "call_id": call.id,
                "name": call.name,
                "arguments": json.dumps(call.arguments) if call.arguments else "",
            }
            for call in turn.calls
        ]
    tools = [
        {"type": "function", "name": name, "description": "d", "parameters": _SCHEMA, "strict": None}
        for name in declared(talk)
    ]
    return {"input": items, **({"tools": tools} if tools else {})}


def _messages(talk: Talk) -> Json:
    messages: list[Json] = []
    for turn in talk.turns:
        content: list[Json] = [
            {
                "type": "tool_result",
                "tool_use_id": call.id,
                "content": [{"type": "text", "text": text}],
                **({"is_error": True} if position in turn.failed else {}),
            }
            for position, (call, text) in enumerate(turn.results)
        ]
        content += [{"type": "text", "text": turn.text}] if turn.text else []
        content += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in turn.calls
        ]
        messages.append({"role": turn.role, "content": content})
    tools = [{"name": name, "description": "d", "input_schema": _SCHEMA} for name in declared(talk)]
    system = [{"type": "text", "text": text} for text in talk.system]
    return {
        "max_tokens": 100,
        **({"system": system} if system else {}),
        "messages": messages,
        **({"tools": tools} if tools else {}),
    }


_WRITERS = {"openai-chat": _chat, "openai-responses": _responses, "anthropic-messages": _messages}

_SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}


def _read_chat(body: Json) -> Iterator[Fact]:
    yield "system", "".join(_text(message["content"]) for message in body["messages"] if message["role"] == "system")
    called: dict[str, str] = {}
    for message in body["messages"]:
        match message["role"]:
            case "tool":
                yield _result(called[message["tool_call_id"]], _text(message["content"]))
            case "user":
                yield "user", _text(message["content"])
            case "assistant":
                if (text := _text(message["content"])) and text != BETWEEN:
                    yield "assistant", text
                yield from _functions(message.get("tool_calls", ()), called)
            case role:
                assert role == "system"


def _read_responses(body: Json) -> Iterator[Fact]:
    yield "system", body.get("instructions", "")
    called: dict[str, str] = {}
    for item in body["input"]:
        match item.get("type", "message"):
            case "message":
                yield item["role"], _text(item["content"])
            case "function_call":
                called[item["call_id"]] = item["name"]
                yield "call", item["name"], json.loads(item["arguments"])
            case kind:
                assert kind == "function_call_output"
                yield _result(called[item["call_id"]], item["output"])


def _read_cohere(body: Json) -> Iterator[Fact]:
    messages = list(body["messages"])
    yield "system", messages.pop(0)["content"] if messages[0]["role"] == "system" else ""
    called: dict[str, str] = {}
    for message in messages:
        match message["role"]:
            case "tool":
                yield _result(called[message["tool_call_id"]], message["content"])
            case "user":
                yield "user", _text(message["content"])
            case role:
                assert role == "assistant"
                if text := _text(message.get("content")) or message.get("tool_plan"):
                    yield "assistant", text
                yield from _functions(message.get("tool_calls", ()), called)


def _read_messages(body: Json) -> Iterator[Fact]:
    yield "system", _text(body.get("system"))
    called: dict[str, str] = {}
    for message in body["messages"]:
        for block in message["content"]:
            match block["type"]:
                case "text":
                    yield message["role"], block["text"]
                case "tool_use":
                    called[block["id"]] = block["name"]
                    yield "call", block["name"], block["input"]
                case kind:
                    assert kind == "tool_result"
                    text = _text(block.get("content"))
                    yield "result", called[block["tool_use_id"]], text, block.get("is_error", False)


def _read_gemini(body: Json) -> Iterator[Fact]:
    for content in body["contents"]:
        types.Content.model_validate(content)  # the SDK's own type, which forbids what it does not know
    yield "system", "".join(part["text"] for part in body.get("systemInstruction", {}).get("parts", ()))
    for content in body["contents"]:
        role = {"user": "user", "model": "assistant"}[content["role"]]
        for part in content["parts"]:
            if "functionCall" in part:
                yield "call", part["functionCall"]["name"], part["functionCall"]["args"]
            elif "functionResponse" in part:
                [(key, text)] = part["functionResponse"]["response"].items()
                yield "result", part["functionResponse"]["name"], text, key == "error"
            else:
                yield role, part["text"]


def _functions(calls: Any, called: dict[str, str]) -> Iterator[Fact]:
    for call in calls:
        name = called[call["id"]] = call["function"]["name"]
        yield "call", name, json.loads(call["function"]["arguments"] or "{}")


def _result(name: str, text: str) -> Fact:
    return "result", name, text.removeprefix("Error: "), text.startswith("Error: ")


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part["text"] for part in content)
