"""What Codex sends (client notes 2026-11), towards every provider, and what it must get back to go on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.chat import Answer, OpaquePart, Signature, ThinkingPart, ToolCallPart
from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import AnswerContext, decode_fields
from proxyctl.dialects.envelope import seal
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from proxyctl.dialects.openai_responses.tools import namespaces_of
from tests.dialects.targets import ALL, CLAUDE, GEMINI, sent

Json = dict[str, Any]

SHELL: Json = {
    "type": "function",
    "name": "exec_command",
    "description": "Runs a command.",
    "strict": False,
    "parameters": {
        "type": "object",
        "properties": {"cmd": {"type": "string"}},
        "required": ["cmd"],
        "additionalProperties": False,
    },
}
TOOLS: list[Json] = [
    SHELL,
    {
        "type": "custom",
        "name": "apply_patch",
        "description": "Edit files.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
    },
    {"type": "tool_search", "execution": "client", "description": "Find tools.", "parameters": {"type": "object"}},
    {"type": "web_search", "external_web_access": False},
    {"type": "namespace", "name": "mcp__box__", "description": "A box.", "tools": [{**SHELL, "name": "open"}]},
]
PICTURE: Json = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "high"}
GOOGLE = Signature("Q2c9PQ==", "gemini-generate")
OWN = "EqQBCkYIARgCKkBown=="


def item(kind: str, **members: Any) -> Json:
    return {"type": kind, **members}


def said(role: str, kind: str, text: str) -> Json:
    return item("message", role=role, content=[{"type": kind, "text": text}])


def reasoning(proof: str, text: str = "") -> Json:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return item("reasoning", id="rs_1", summary=summary, content=None, encrypted_content=proof)


HISTORY: list[Json] = [
    said("developer", "input_text", "You are a coding agent."),
    said("user", "input_text", "<environment_context>…</environment_context>"),
    said("user", "input_text", "Fix the test."),
    reasoning(seal(Signature(OWN, "anthropic-messages")), "Look first."),
    reasoning(seal(GOOGLE)),
    item("function_call", id="fc_1", call_id="call_1", name="exec_command", arguments='{"cmd":"ls"}'),
    item("function_call", id="fc_2", call_id="call_2", name="open", namespace="mcp__box__", arguments='{"cmd":"x"}'),
    item("function_call_output", call_id="call_2", output=[{"type": "input_text", "text": "a box"}, PICTURE]),
    item("function_call_output", call_id="call_1", output="test.py"),
    item("web_search_call", id="ws_1", status="completed", action={"type": "search", "query": "pytest"}),
    item(
        "custom_tool_call",
        id="ctc_1",
        call_id="call_3",
        name="apply_patch",
        input="*** Begin Patch\n",
        status="completed",
    ),
    item("custom_tool_call_output", call_id="call_3", output="Success"),
    said("assistant", "output_text", "Done."),
    said("user", "input_text", "Thanks. Run it again."),
]
REQUEST = json.dumps(
    {
        "model": "m",
        "input": HISTORY,
        "tools": TOOLS,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0198-session",
        "client_metadata": {"x-codex-installation-id": "i"},
        "text": {"verbosity": "low"},
    },
    ensure_ascii=False,
).encode()
SEES = tuple(to for to in ALL if to[0] in ("gemini", "anthropic", "openai-compatible", "mistral"))


@pytest.mark.parametrize("to", SEES, ids=lambda to: to[1])
def test_its_whole_history_reaches_a_model_that_sees(to: tuple[str, str]) -> None:
    one = sent("openai-responses", REQUEST, to)

    written = one.raw.decode()
    for words in ("You are a coding agent.", "Fix the test.", "test.py", "a box", "Success", "Done.", "Run it again."):
        assert words in written
    assert "iVBORw0KGgo=" in written
    assert [name for name in ("exec_command", "apply_patch", "mcp__box__open") if f'"{name}"' in written] == [
        "exec_command",
        "apply_patch",
        "mcp__box__open",
    ]
    assert "gws1." not in written
    assert (OWN in written) == (to == CLAUDE or to[0] == "anthropic")
    assert (GOOGLE.value in written) == (to[0] == "gemini")


@pytest.mark.parametrize("to", [GEMINI, CLAUDE], ids=lambda to: to[1])
def test_what_it_lists_and_nobody_else_has_is_told(to: tuple[str, str]) -> None:
    lost = sent("openai-responses", REQUEST, to).lost

    assert {"tools[1].format", "tools[2]", "tools[3]"} <= set(lost)
    assert not {"store", "prompt_cache_key", "client_metadata", "include", "text"} & set(lost)


def test_its_calls_come_back_in_its_own_words() -> None:
    answer = Answer(
        id="x",
        model="m",
        parts=(
            ThinkingPart(text="Look.", signature=Signature(OWN, "anthropic-messages")),
            ToolCallPart(id="call_4", name="mcp__box__open", arguments='{"cmd":"y"}', signature=GOOGLE),
            ToolCallPart(id="call_5", name="apply_patch", arguments='{"input":"*** Begin Patch\\n"}'),
        ),
        finish="tool",
    )
    context = AnswerContext(model="m", created=1, custom_tools=frozenset({"apply_patch"}), asked=decode_fields(REQUEST))

    output = json.loads(OPENAI_RESPONSES.encode_answer(answer, context, Losses()))["output"]

    assert [one["type"] for one in output] == ["reasoning", "reasoning", "function_call", "custom_tool_call"]
    assert (output[2]["namespace"], output[2]["name"]) == ("mcp__box__", "open")
    assert output[3]["input"] == "*** Begin Patch\n"
    assert [one.get("encrypted_content") for one in output[:2]] == [
        seal(Signature(OWN, "anthropic-messages")),
        seal(GOOGLE),
    ]


CODE_MODE: Json = {
    "model": "m",
    "input": [
        item(
            "additional_tools",
            id="at_1",
            role="developer",
            tools=[
                {
                    "type": "namespace",
                    "name": "functions",
                    "description": "",
                    "tools": [
                        {
                            "type": "custom",
                            "name": "exec",
                            "description": "Run JavaScript.",
                            "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
                        },
                        {**SHELL, "name": "wait"},
                    ],
                }
            ],
        ),
        said("developer", "input_text", "You are a coding agent."),
        said("user", "input_text", "Go."),
        item("custom_tool_call", id="ctc_1", call_id="call_1", name="exec", namespace="functions", input="text('hi')"),
        item("custom_tool_call_output", call_id="call_1", output=[{"type": "input_text", "text": "hi"}]),
    ],
    "tool_choice": "auto",
    "store": False,
}
"""What it sends for models that it knows: no `tools`, they are the first item of the conversation."""


@pytest.mark.parametrize("to", ALL, ids=lambda to: to[1])
def test_tools_inside_the_conversation_are_offered_everywhere(to: tuple[str, str]) -> None:
    one = sent("openai-responses", json.dumps(CODE_MODE).encode(), to)

    written = one.raw.decode()
    assert written.count('"functions__exec"') >= 2  # offered, and called in the history
    assert '"functions__wait"' in written
    assert {"input[0].tools[0].tools[0].format"} == {path for path in one.lost if path.startswith("input")}
    assert not [path for path in one.lost if path.startswith("messages")]


def test_tools_inside_the_conversation_are_called_by_their_own_names() -> None:
    request = OPENAI_RESPONSES.decode_request(json.dumps(CODE_MODE).encode())
    custom = frozenset(tool.name for tool in request.tools if tool.kind == "custom")
    call = ToolCallPart(id="call_2", name="functions__exec", arguments='{"input":"text(1)"}')
    context = AnswerContext(
        model="m", created=1, custom_tools=custom, asked=decode_fields(json.dumps(CODE_MODE).encode())
    )

    answer = Answer(id="x", model="m", parts=(call,), finish="tool")
    [written] = json.loads(OPENAI_RESPONSES.encode_answer(answer, context, Losses()))["output"]

    assert (written["type"], written["namespace"], written["name"]) == ("custom_tool_call", "functions", "exec")
    assert written["input"] == "text(1)"


def test_tools_inside_the_conversation_count_for_routing() -> None:
    fields = decode_fields(json.dumps(CODE_MODE).encode())

    assert OPENAI_RESPONSES.peek(fields, size=1).has_tools


def test_a_tool_that_is_offered_again_is_its_last_definition() -> None:
    again = item("additional_tools", role="developer", tools=[{**SHELL, "description": "Newer."}])
    asked = {**CODE_MODE, "tools": [SHELL], "input": [*CODE_MODE["input"], again]}

    request = OPENAI_RESPONSES.decode_request(json.dumps(asked).encode())

    assert [tool.name for tool in request.tools] == ["exec_command", "functions__exec", "functions__wait"]
    assert request.tools[0].description == "Newer."


def test_an_item_without_tools_or_type_is_read_too() -> None:
    asked = {**CODE_MODE, "input": [item("additional_tools"), {"type": None, "role": "user", "content": "Go"}]}
    body = json.dumps(asked).encode()

    assert OPENAI_RESPONSES.decode_request(body).tools == ()
    context = AnswerContext(model="m", created=1, asked=decode_fields(body))
    answer = Answer(id="x", model="m", parts=(ToolCallPart(id="c", name="a", arguments="{}"),), finish="tool")
    assert OPENAI_RESPONSES.encode_answer(answer, context, Losses())


def test_the_tools_in_an_item_of_another_kind_are_not_read() -> None:
    listed = {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "x", "tools": [{"name": 1, "tools": 2}]}
    asked = {**CODE_MODE, "input": [*CODE_MODE["input"], listed]}
    body = json.dumps(asked).encode()

    request = OPENAI_RESPONSES.decode_request(body)

    assert "functions__exec" in [tool.name for tool in request.tools]
    opaque = [part for message in request.messages for part in message.parts if isinstance(part, OpaquePart)]
    assert [part.label for part in opaque] == ["mcp_list_tools"]
    assert namespaces_of(decode_fields(body))["functions__exec"] == ("functions", "exec")


@pytest.mark.parametrize("given", ["additional_tools", [{"role": "user", "content": "additional_tools"}]])
def test_a_text_of_that_name_offers_no_tools(given: Any) -> None:
    fields = decode_fields(json.dumps({"model": "m", "input": given}).encode())

    assert not OPENAI_RESPONSES.peek(fields, size=1).has_tools
    assert namespaces_of(fields) == {}


def test_a_tool_in_the_conversation_that_is_none_is_named_by_its_path() -> None:
    asked = {"model": "m", "input": [item("additional_tools", tools=[{"name": "a"}])]}

    with pytest.raises(DecodeError) as caught:
        OPENAI_RESPONSES.decode_request(json.dumps(asked).encode())

    assert caught.value.path == "input[0].tools[0]"
