"""Conversations that no good client writes, told once as turns and written in every dialect.

A turn is what somebody said; ids and arguments are written as they stand, right or wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.gateway.abuse.bad_input import ARGUMENTS, DIALECTS


class Turn(NamedTuple):
    """`who` is user, assistant, system, call or result; `text` a call's arguments or a result's words."""

    who: str
    text: str = "Hello."
    id: str = "c1"
    name: str = "weather"


def user(text: str = "Weather?") -> Turn:
    return Turn("user", text)


def said(text: str = "Hello.") -> Turn:
    return Turn("assistant", text)


def system(text: str = "Be brief.") -> Turn:
    return Turn("system", text)


def call(call_id: str = "c1", arguments: str = ARGUMENTS, name: str = "weather") -> Turn:
    return Turn("call", arguments, call_id, name)


def result(call_id: str = "c1", text: str = "12 degrees", name: str = "weather") -> Turn:
    return Turn("result", text, call_id, name)


DEEP = '{"a":' * 300 + "1" + "}" * 300

HISTORIES: dict[str, list[Turn]] = {
    "nothing": [],
    "only an instruction": [system()],
    "only an answer": [said()],
    "only a call": [call()],
    "only a result": [result()],
    "empty texts": [system(""), user(""), said(""), user("")],
    "blank texts": [user(" \n"), said("\t"), user("\n")],
    "an empty answer in the middle": [user(), said(""), user()],
    "an answer that is to be continued": [user(), said("It is")],
    "an answer that ends in blanks": [user(), said("It is  ")],
    "an instruction in the middle": [user(), said(), system(), user()],
    "an instruction at the end": [user(), said(), user(), system()],
    "an instruction between call and result": [user(), call(), system(), result()],
    "users in a row": [user(), user(), user()],
    "answers in a row": [user(), said(), said(), user()],
    "an answer first": [said(), user()],
    "an orphan result": [user(), result(), user()],
    "an orphan result behind an answer": [user(), said(), result("other"), user()],
    "a result before its call": [user(), result(), call(), user()],
    "a call without result": [user(), call(), user()],
    "a call at the end": [user(), call()],
    "calls without results, over and over": [user(), call("a"), call("b"), said(), call("c"), user()],
    "one of two results": [user(), call("a"), call("b"), result("a"), user()],
    "results the other way round": [user(), call("a"), call("b"), result("b"), result("a")],
    "a result twice": [user(), call(), result(), result(text="13 degrees"), user()],
    "a result of another call": [user(), call("a"), result("b"), user()],
    "a late result": [user(), call(), user("Wait."), result(), user()],
    "a very late result": [user(), call(), user(), said(), user(), result()],
    "one id for two calls": [user(), call(), call(arguments='{"city":"Rome"}'), result(), result()],
    "one id in two turns": [user(), call(), result(), said(), user(), call(), result()],
    "no ids": [user(), call(""), result(""), user()],
    "long ids": [user(), call("i" * 500), result("i" * 500), user()],
    "ids of odd letters": [user(), call("a b/ü:{}"), result("a b/ü:{}"), user()],
    "ids that differ in odd letters": [user(), call("a/"), call("a:"), result("a/"), result("a:"), user()],
    "an undeclared tool": [user(), call(name="elsewhere"), result(name="elsewhere"), user()],
    "a tool of odd letters": [user(), call(name="wet ter/ü"), result(name="wet ter/ü"), user()],
    "a tool with a long name": [user(), call(name="n" * 300), result(name="n" * 300), user()],
    "a tool without a name": [user(), call(name=""), result(name=""), user()],
    "truncated arguments": [user(), call(arguments='{"city":"Be'), result(), user()],
    "no arguments": [user(), call(arguments=""), result(), user()],
    "arguments that are a list": [user(), call(arguments="[1]"), result(), user()],
    "arguments that are a text": [user(), call(arguments='"Bern"'), result(), user()],
    "arguments that are null": [user(), call(arguments="null"), result(), user()],
    "arguments that are no JSON": [user(), call(arguments="city=Bern"), result(), user()],
    "arguments with NaN": [user(), call(arguments='{"a":NaN}'), result(), user()],
    "arguments beyond numbers": [user(), call(arguments='{"a":1e400,"b":' + "9" * 400 + "}"), result(), user()],
    "arguments with half a surrogate": [user(), call(arguments='{"a":"\\ud800"}'), result(), user()],
    "arguments with a member twice": [user(), call(arguments='{"a":1,"a":2}'), result(), user()],
    "arguments nested deeply": [user(), call(arguments=DEEP), result(), user()],
    "an empty result": [user(), call(), result(text=""), user()],
    "a result with half a surrogate": [user(), call(), result(text="\udc00"), user()],
    "a result with NUL": [user(), call(), result(text="a\0b"), user()],
    "a result of a megabyte": [user(), call(), result(text="x" * 1_000_000), user()],
    "half a surrogate": [user("a\ud800b")],
    "half a surrogate in an answer": [user(), said("\udfff"), user()],
    "NUL": [system("\0"), user("a\0b"), said("\0"), user()],
    "a text of a megabyte": [user("x" * 1_000_000)],
    "ten thousand messages": [user(), said()] * 5000 + [user()],
    "a thousand calls": [turn for number in range(1000) for turn in (call(f"c{number}"), result(f"c{number}"))],
    "a hundred calls at once": [user(), *(call(f"c{n}") for n in range(100)), *(result(f"c{n}") for n in range(100))],
}


def _chat(turns: Sequence[Turn]) -> list[Any]:
    messages: list[Any] = []
    for turn in turns:
        match turn.who:
            case "call":
                one = {"id": turn.id, "type": "function", "function": {"name": turn.name, "arguments": turn.text}}
                if messages and messages[-1].get("tool_calls"):
                    messages[-1]["tool_calls"].append(one)
                else:
                    messages.append({"role": "assistant", "content": None, "tool_calls": [one]})
            case "result":
                messages.append({"role": "tool", "tool_call_id": turn.id, "content": turn.text})
            case role:
                messages.append({"role": role, "content": turn.text})
    return messages


def _responses(turns: Sequence[Turn]) -> list[Any]:
    items: list[Any] = []
    for turn in turns:
        match turn.who:
            case "call":
                items.append({"type": "function_call", "call_id": turn.id, "name": turn.name, "arguments": turn.text})
            case "result":
                items.append({"type": "function_call_output", "call_id": turn.id, "output": turn.text})
            case "assistant":
                items.append({"role": "assistant", "content": [{"type": "output_text", "text": turn.text}]})
            case role:
                items.append({"role": role, "content": turn.text})
    return items


def _messages(turns: Sequence[Turn]) -> list[Any]:
    """Blocks of one side stand in one message."""
    messages: list[Any] = []
    for turn in turns:
        role = {"call": "assistant", "result": "user"}.get(turn.who, turn.who)
        block: dict[str, Any] = {"type": "text", "text": turn.text}
        if turn.who == "call":
            block = {"type": "tool_use", "id": turn.id, "name": turn.name, "input": _value(turn.text)}
        elif turn.who == "result":
            block = {"type": "tool_result", "tool_use_id": turn.id, "content": turn.text}
        if turn.who in ("call", "result") and messages and messages[-1]["role"] == role:
            messages[-1]["content"].append(block)
        else:
            messages.append({"role": role, "content": [block]})
    return messages


def _contents(turns: Sequence[Turn]) -> list[Any]:
    contents: list[Any] = []
    for turn in turns:
        role = {"call": "model", "assistant": "model", "result": "user"}.get(turn.who, turn.who)
        part: dict[str, Any] = {"text": turn.text}
        if turn.who == "call":
            part = {"functionCall": {"id": turn.id, "name": turn.name, "args": _value(turn.text)}}
        elif turn.who == "result":
            response = {"output": turn.text}
            part = {"functionResponse": {"id": turn.id, "name": turn.name, "response": response}}
        if turn.who in ("call", "result") and contents and contents[-1]["role"] == role:
            contents[-1]["parts"].append(part)
        else:
            contents.append({"role": role, "parts": [part]})
    return contents


def _value(text: str) -> Any:
    """Arguments as a JSON value, where they are one: broken ones stand as a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


_WRITERS: dict[str, Callable[[Sequence[Turn]], list[Any]]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic-messages": _messages,
    "gemini-generate": _contents,
}


def conversing(dialect: str, turns: Sequence[Turn]) -> dict[str, Any]:
    """The dialect's valid request, with this conversation in place of its own."""
    return {**DIALECTS[dialect].valid, DIALECTS[dialect].turns: _WRITERS[dialect](turns)}


CONVERSING = tuple(_WRITERS)
"""The dialects that have conversations."""
