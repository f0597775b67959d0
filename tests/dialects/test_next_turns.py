"""A tool loop across two dialects: what a caller was told, it sends back, and the provider finds all of it.

The caller's turn is made by the caller's own SDK out of the translated stream, so that only what SDKs keep comes back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import Response

from proxyctl.core.chat import DialectName, TextPart, ToolCallPart
from tests.dialects.carried import all_cases, dialect_of, translated
from tests.dialects.judges import chat_chunks, message_events
from tests.dialects.responses_judge import check_grammar
from tests.dialects.targets import CLAUDE, COHERE, DEEPSEEK, GEMINI, MISTRAL, OPENAI, sent
from tests.dialects.wire_cases import expected
from tests.dialects.wire_requests import Fact, read_back

Json = dict[str, Any]
STAND_IN = "skip_thought_signature_validator"
MAKERS: dict[DialectName, tuple[tuple[str, str], ...]] = {
    "openai-chat": (OPENAI, DEEPSEEK, MISTRAL),
    "openai-responses": (),  # nobody is asked in it unless the caller speaks it too
    "anthropic-messages": (CLAUDE,),
    "gemini-generate": (GEMINI,),
    "cohere-chat": (COHERE,),
}
LOOPS = [
    pytest.param(caller, case.values[0], maker, id=f"{caller}-{case.id}-{maker[1]}")
    for caller in ("openai-chat", "openai-responses", "anthropic-messages")
    for case in all_cases("stream.sse")
    if isinstance(case.values[0], Path) and expected(case.values[0]).finish == "tool"
    for maker in MAKERS[dialect_of(case.values[0])]
    if dialect_of(case.values[0]) != caller
]


def next_request(caller: DialectName, told: bytes) -> bytes:
    """The caller's next request: the question, the answer as its SDK keeps it, and a result for each call."""
    turns = {"openai-chat": _chat_turn, "openai-responses": _responses_turn, "anthropic-messages": _messages_turn}
    return turns[caller](told)


def _chat_turn(told: bytes) -> bytes:
    state = ChatCompletionStreamState()
    for chunk in chat_chunks(told):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    message = state.current_completion_snapshot.choices[0].message.model_dump(exclude_none=True)
    calls = message["tool_calls"]
    for call in calls:
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    results = [{"role": "tool", "tool_call_id": call["id"], "content": f"result {at}"} for at, call in enumerate(calls)]
    tools = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
        for name in dict.fromkeys(call["function"]["name"] for call in calls)
    ]
    asked = {"role": "user", "content": "Look."}
    return json.dumps({"model": "m", "messages": [asked, message, *results], "tools": tools}).encode()


def _responses_turn(told: bytes) -> bytes:
    response = Response.model_validate(check_grammar(told))
    output = [item.model_dump(exclude_none=True) for item in response.output]
    calls = [item for item in output if item["type"] == "function_call"]
    results = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": f"result {at}"}
        for at, call in enumerate(calls)
    ]
    tools = [
        {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}, "strict": False}
        for name in dict.fromkeys(call["name"] for call in calls)
    ]
    asked = {"role": "user", "content": "Look."}
    return json.dumps({"model": "m", "input": [asked, *output, *results], "tools": tools, "store": False}).encode()


def _messages_turn(told: bytes) -> bytes:
    message: Any = None
    buffers: dict[int, bytes] = {}
    for event in message_events(told):
        message = accumulate_event(event=event, current_snapshot=message, json_bufs=buffers)  # type: ignore[arg-type]
    content = [block.model_dump(exclude_none=True) for block in message.content]
    calls = [block for block in content if block["type"] == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": f"result {at}"} for at, call in enumerate(calls)
    ]
    tools = [
        {"name": name, "input_schema": {"type": "object", "properties": {}}}
        for name in dict.fromkeys(call["name"] for call in calls)
    ]
    messages = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": content},
        {"role": "user", "content": results},
    ]
    return json.dumps({"model": "m", "max_tokens": 99, "messages": messages, "tools": tools}).encode()


@pytest.mark.parametrize(("caller", "folder", "maker"), LOOPS)
def test_what_a_model_called_comes_back_to_it(caller: DialectName, folder: Path, maker: tuple[str, str]) -> None:
    answer = expected(folder)
    calls = [part for part in answer.parts if isinstance(part, ToolCallPart)]
    told = translated(dialect_of(folder), caller, (folder / "stream.sse").read_bytes()).sent

    one = sent(caller, next_request(caller, told), maker)
    facts = read_back(one.prepared.dialect.name, without_thinking(one.body))

    text = "".join(part.text for part in answer.parts if isinstance(part, TextPart))
    said: list[Fact] = [("assistant", text)] if text else []
    assert facts == [
        ("system", ""),
        ("user", "Look."),
        *said,
        *[("call", call.name, json.loads(call.arguments)) for call in calls],
        *[("result", call.name, f"result {at}", False) for at, call in enumerate(calls)],
    ]


def without_thinking(body: Json) -> Json:
    """Cohere gets thinking back; the readers of facts know none."""
    for message in body.get("messages", ()):
        if isinstance(message.get("content"), list):
            message["content"] = [part for part in message["content"] if part["type"] != "thinking"]
    return body


@pytest.mark.parametrize(
    ("caller", "folder"),
    [pytest.param(*loop.values[:2], id=loop.id) for loop in LOOPS if loop.values[2] == GEMINI],
)
def test_every_proof_of_gemini_comes_back_on_its_own_call(caller: DialectName, folder: Path) -> None:
    """WIRE §6 cases 7 and 9: byte for byte, and no stand-in beside it."""
    calls = [part for part in expected(folder).parts if isinstance(part, ToolCallPart)]
    told = translated("gemini-generate", caller, (folder / "stream.sse").read_bytes()).sent

    one = sent(caller, next_request(caller, told), GEMINI)

    [model] = [content for content in one.body["contents"] if content["role"] == "model"]
    written = [part for part in model["parts"] if "functionCall" in part]
    assert [part.get("thoughtSignature") for part in written] == [
        call.signature.value if call.signature else None for call in calls
    ]
    assert STAND_IN not in one.raw.decode()
    assert [part["functionCall"]["id"] for part in written] == [call.id for call in calls]
