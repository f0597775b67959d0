"""The same conversation gives the same bytes, and a longer one begins with the bytes of the shorter: caches hit.

Every caller's dialect towards every provider, with what is hard to keep stable in the conversation: calls without ids
or with ids that the target refuses, names that must be changed, lost proofs, system messages in the middle.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw, Struct

import proxyctl.dialects
from proxyctl.core.chat import DialectName
from proxyctl.dialects.registry import INBOUND
from proxyctl.gateway.inbound import Inbound
from proxyctl.gateway.prepare import prepare
from tests.dialects.targets import ALL, TARGETS, target
from tests.dialects.wire_requests import words

Json = dict[str, Any]
CALLERS: tuple[DialectName, ...] = ("openai-chat", "openai-responses", "anthropic-messages", "gemini-generate")
NAMES = ("get", "put it", "put.it", "über-tool", "n" * 120)
SCHEMA: Json = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {"k": {"type": ["string", "null"]}, "n": {"type": "integer", "exclusiveMinimum": 0}},
    "required": ["k"],
}
PIXEL = "iVBORw0KGgo="
HISTORY = ("messages", "contents", "input")
TO = (*ALL, ("openai", "gpt-6.1-sol"), ("openai", "gpt-4.1"))
CALLED = {**TARGETS, "openai": target("openai")}


class Call(Struct, frozen=True):
    id: str
    name: str
    arguments: Json


class Step(Struct, frozen=True):
    """An assistant's turn and what follows it: the results of its calls, or the user's words."""

    text: str = ""
    thought: str = ""
    proof: str = ""
    calls: tuple[Call, ...] = ()
    results: tuple[str, ...] = ()
    picture: bool = False
    said: str = ""
    reminder: str = ""


class Talk(Struct, frozen=True):
    system: tuple[str, ...]
    opening: str
    steps: tuple[Step, ...]


arguments = st.dictionaries(words, st.none() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | words).map(
    lambda value: json.loads(json.dumps(value).replace("Infinity", "0"))
)


@st.composite
def talks(draw: st.DrawFn) -> Talk:
    """A sound conversation of up to four steps."""
    steps = []
    number = 0
    for _ in range(draw(st.integers(1, 4))):
        calls: list[Call] = []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            given_id = draw(st.sampled_from([f"call_{number}", f"functions.get:{number}", f"toolu_{number:090d}"]))
            calls.append(Call(given_id, draw(st.sampled_from(NAMES)), draw(arguments)))
        thought = draw(st.sampled_from(["", "Hm."]))
        silent: bool = draw(st.booleans())
        unasked: bool = draw(st.booleans())
        steps.append(
            Step(
                text="" if calls and silent else draw(words),
                thought=thought,
                proof=draw(st.sampled_from(["", "EqQB"])) if thought else "",
                calls=tuple(calls),
                results=tuple(draw(words) for _ in calls),
                picture=draw(st.booleans()),
                said="" if calls and unasked else draw(words),
                reminder=draw(st.sampled_from(["", "", "Be kind."])),
            )
        )
    return Talk(tuple(draw(st.lists(words, max_size=2))), draw(words), tuple(steps))


def written(caller: DialectName, talk: Talk) -> bytes:
    """The request of a client that speaks this dialect; all tools are declared from the start, as clients do."""
    body = {
        "openai-chat": _chat,
        "openai-responses": _responses,
        "anthropic-messages": _messages,
        "gemini-generate": _contents,
    }[caller](talk)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _chat(talk: Talk) -> Json:
    messages: list[Json] = [{"role": "system", "content": text} for text in talk.system]
    messages.append({"role": "user", "content": talk.opening})
    for step in talk.steps:
        turn: Json = {"role": "assistant", "content": step.text or None}
        if step.thought:
            turn["reasoning_content"] = step.thought
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in step.calls
        ]
        messages.append({**turn, "tool_calls": calls} if calls else turn)
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": text}
            for call, text in zip(step.calls, step.results, strict=True)
        ]
        if step.reminder and step.said:
            messages.append({"role": "system", "content": step.reminder})
        content: list[Json] = [{"type": "text", "text": step.said}] if step.said else []
        if step.picture and step.said:
            content.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}})
        if content:
            messages.append({"role": "user", "content": content})
    tools = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in NAMES]
    return {"model": "m", "messages": messages, "tools": tools}


def _responses(talk: Talk) -> Json:
    items: list[Json] = [{"role": "developer", "content": text} for text in talk.system]
    items.append({"role": "user", "content": talk.opening})
    for step in talk.steps:
        if step.thought:
            summary = [{"type": "summary_text", "text": step.thought}]
            items.append({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": step.proof})
        if step.text:
            items.append({"role": "assistant", "content": [{"type": "output_text", "text": step.text}]})
        items += [
            {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": json.dumps(call.arguments)}
            for call in step.calls
        ]
        items += [
            {"type": "function_call_output", "call_id": call.id, "output": text}
            for call, text in zip(step.calls, step.results, strict=True)
        ]
        if step.said:
            items += [{"role": "developer", "content": step.reminder}] if step.reminder else []
            items.append({"role": "user", "content": step.said})
    tools = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": None} for name in NAMES]
    return {"model": "m", "input": items, "tools": tools, "store": False}


def _messages(talk: Talk) -> Json:
    messages: list[Json] = [{"role": "user", "content": talk.opening}]
    for step in talk.steps:
        blocks: list[Json] = []
        if step.thought:
            blocks.append({"type": "thinking", "thinking": step.thought, "signature": step.proof or "gws1.e30"})
        blocks += [{"type": "text", "text": step.text}] if step.text else []
        blocks += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in step.calls
        ]
        messages.append({"role": "assistant", "content": blocks})
        results: list[Json] = [
            {"type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": step.picture}
            for call, text in zip(step.calls, step.results, strict=True)
        ]
        results += [{"type": "text", "text": step.said}] if step.said else []
        messages.append({"role": "user", "content": results})
    system = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}} for text in talk.system]
    tools = [{"name": name, "input_schema": SCHEMA} for name in NAMES]
    return {"model": "m", "max_tokens": 100, "system": system, "messages": messages, "tools": tools}


def _contents(talk: Talk) -> Json:
    """Of an older client: no call has an id."""
    contents: list[Json] = [{"role": "user", "parts": [{"text": talk.opening}]}]
    for step in talk.steps:
        parts: list[Json] = []
        if step.thought:
            parts.append(
                {"text": step.thought, "thought": True, **({"thoughtSignature": "AQID"} if step.proof else {})}
            )
        parts += [{"text": step.text}] if step.text else []
        parts += [{"functionCall": {"name": call.name, "args": call.arguments}} for call in step.calls]
        contents.append({"role": "model", "parts": parts})
        said: list[Json] = [
            {"functionResponse": {"name": call.name, "response": {"output": text}}}
            for call, text in zip(step.calls, step.results, strict=True)
        ]
        said += [{"text": step.said}] if step.said else []
        contents.append({"role": "user", "parts": said})
    tools = [{"functionDeclarations": [{"name": name, "parametersJsonSchema": SCHEMA} for name in NAMES]}]
    system = {"parts": [{"text": text} for text in talk.system]}
    return {"contents": contents, "systemInstruction": system, "tools": tools}


def sent(caller: DialectName, body: bytes, to: tuple[str, str]) -> bytes:
    """The body that a provider is sent."""
    kind, model = to
    return prepare(Inbound(INBOUND[caller], {}, body), CALLED[kind], model, 0).call.body


_fields = msgspec.json.Decoder(dict[str, Raw])
_list = msgspec.json.Decoder(list[Raw])


def split(body: bytes) -> tuple[list[tuple[str, bytes]], list[bytes]]:
    """A body's fields in order without its history, and the history's messages: all as their JSON text."""
    fields = _fields.decode(body)
    [name] = [name for name in HISTORY if name in fields]
    rest = [(key, bytes(value)) for key, value in fields.items() if key != name]
    return rest, [bytes(message) for message in _list.decode(fields[name])]


@pytest.mark.parametrize("to", TO, ids=lambda to: to[1])
@pytest.mark.parametrize("caller", CALLERS)
@given(talks())
@settings(max_examples=25, deadline=None)
def test_a_longer_conversation_begins_with_the_bytes_of_the_shorter(
    caller: DialectName, to: tuple[str, str], talk: Talk
) -> None:
    shorter = Talk(talk.system, talk.opening, talk.steps[:-1])

    fields, before = split(sent(caller, written(caller, shorter), to))
    fields_after, after = split(sent(caller, written(caller, talk), to))

    assert fields_after == fields
    assert after[: len(before)] == before
    assert len(after) > len(before)


@pytest.mark.parametrize("caller", CALLERS)
@given(talks())
@settings(max_examples=20, deadline=None)
def test_the_same_conversation_gives_the_same_bytes(caller: DialectName, talk: Talk) -> None:
    for to in TO:
        body = written(caller, talk)
        assert sent(caller, body, to) == sent(caller, body, to)


SCRIPT = """
import sys
from tests.dialects.test_request_crossings import FULL_CHAT, FULL_MESSAGES
from tests.dialects.test_stable_bytes import CALLERS, EXAMPLE, TO, sent, written
requests = [(caller, written(caller, EXAMPLE)) for caller in CALLERS]
for caller, body in (*requests, ("openai-chat", FULL_CHAT), ("anthropic-messages", FULL_MESSAGES)):
    for to in TO:
        sys.stdout.buffer.write(sent(caller, body, to) + b"\\n")
"""
EXAMPLE = Talk(
    ("Be brief.", "Be kind."),
    "Hi",
    (
        Step(
            text="So.",
            thought="Hm.",
            calls=tuple(Call(f"functions.get:{number}", name, {"k": name}) for number, name in enumerate(NAMES)),
            results=NAMES,
            said="And?",
            reminder="Be quick.",
        ),
    ),
)


def test_no_bytes_depend_on_the_process() -> None:
    """The order of a set's members changes from process to process, and so does every clock."""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]

    assert outputs[0] == outputs[1] == outputs[2]
    assert len(outputs[0].splitlines()) == (len(CALLERS) + 2) * len(TO)


def test_no_dialect_knows_the_time_or_chance() -> None:
    imported = set()
    for path in Path(proxyctl.dialects.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")

    assert "msgspec" in imported
    assert not imported & {"time", "datetime", "random", "secrets", "uuid", "os"}
