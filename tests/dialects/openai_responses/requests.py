"""Requests as the clients of the responses dialect write them."""

from __future__ import annotations

import json
from typing import Any

from proxyctl.core.chat import ChatRequest, Part
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES

Json = dict[str, Any]

GET: Json = {"type": "function", "name": "get", "parameters": {"type": "object", "properties": {}}, "strict": False}
PATCH: Json = {"type": "custom", "name": "apply_patch", "description": "Edit", "format": {"type": "text"}}


def body(given: Any = "Hi", **fields: Any) -> bytes:
    return json.dumps({"model": "m", "input": given, **fields}, ensure_ascii=False).encode()


def decoded(given: Any = "Hi", **fields: Any) -> ChatRequest:
    return OPENAI_RESPONSES.decode_request(body(given, **fields))


def only_parts(request: ChatRequest) -> tuple[Part, ...]:
    """The parts of a conversation of one message."""
    [message] = request.messages
    return message.parts


def user(*content: Json) -> Json:
    return {"type": "message", "role": "user", "content": list(content)}


def called(call_id: str = "call_1", name: str = "get", arguments: Any = "{}", **more: Any) -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **more}


def answered(call_id: str = "call_1", output: Any = "12") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": output}
