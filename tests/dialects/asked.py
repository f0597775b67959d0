"""Requests of the conformance cases, in the words of the clients that send them."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
OBJECT: Json = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}


def user(content: Any) -> Json:
    return {"role": "user", "content": content}


def chat(*messages: Json, **fields: Any) -> bytes:
    """A chat-completions request."""
    return json.dumps({"model": "m", "messages": list(messages) or [user("Hi")], **fields}, ensure_ascii=False).encode()


def function(name: str, parameters: Json | None = OBJECT, **more: Any) -> Json:
    schema = {} if parameters is None else {"parameters": parameters}
    return {"type": "function", "function": {"name": name, **schema, **more}}


def called(call_id: str, name: str, arguments: str = "{}", **more: Any) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def assistant(*calls: Json, content: str | None = None) -> Json:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def answered(call_id: str, text: str) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def messages(*turns: Json, **fields: Any) -> bytes:
    """A messages request."""
    body = {"model": "m", "max_tokens": 100, "messages": list(turns) or [user("Hi")], **fields}
    return json.dumps(body, ensure_ascii=False).encode()


def tool(name: str, schema: Json = OBJECT, **more: Any) -> Json:
    return {"name": name, "input_schema": schema, **more}


def used(call_id: str, name: str, arguments: Json | None = None) -> Json:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments or {}}


def result(call_id: str, content: Any, **more: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def said(*blocks: Json) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str) -> Json:
    return {"type": "text", "text": words}
