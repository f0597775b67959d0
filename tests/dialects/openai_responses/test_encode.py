"""What goes to a provider of this dialect, judged by the SDK's own request type where it stands alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from msgspec.structs import replace

from proxyctl.core.chat import (
    AudioPart,
    ChatRequest,
    DocumentPart,
    ImagePart,
    JsonFormat,
    Message,
    OpaquePart,
    Part,
    Reasoning,
    Signature,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from proxyctl.dialects.traits import PERMISSIVE, ModelTraits

OWN = Signature("gAAAAB==", "openai-responses")
CLAUDE = Signature("EqQB", "anthropic-messages")
SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}
GET = Tool(name="get", description="d", schema=SCHEMA)
PATCH = Tool(name="apply_patch", kind="custom", description="Edit", schema=SCHEMA)
HI = Message("user", (TextPart(text="Hi"),))
SAY = ChatRequest(model="gpt-6.1-sol", messages=(HI,))
LOOP = replace(
    SAY,
    system=(TextPart(text="A"), TextPart(text="B")),
    tools=(GET, PATCH),
    messages=(
        HI,
        Message(
            "assistant",
            (
                ThinkingPart(text="Hm.", signature=OWN),
                TextPart(text="Looking."),
                ToolCallPart(id="call_1", name="get", arguments='{"k":"v"}'),
                ToolCallPart(id="call_2", name="apply_patch", arguments='{"input":"+a"}', signature=OWN),
            ),
        ),
        Message(
            "user",
            (
                ToolResultPart(call_id="call_2", parts=(TextPart(text="no"),), is_error=True),
                ToolResultPart(
                    call_id="call_1", parts=(TextPart(text="see"), ImagePart(media_type="image/png", data="AA=="))
                ),
                TextPart(text="and now?"),
            ),
        ),
        Message("system", (TextPart(text="Be brief."),)),
    ),
)


def sent(request: ChatRequest, traits: ModelTraits = PERMISSIVE) -> tuple[dict[str, Any], list[str]]:
    """The body, and the paths of what was lost."""
    losses = Losses()
    body = json.loads(encode_json(OPENAI_RESPONSES.encode_request(request, traits, losses)))
    return body, [loss.path for loss in losses.entries()]


def asking(*parts: Part) -> ChatRequest:
    return replace(SAY, messages=(Message("user", parts),))


def test_a_plain_question() -> None:
    body, lost = sent(SAY, ModelTraits(thinking="none"))

    assert body == {"model": "gpt-6.1-sol", "input": [{"role": "user", "content": "Hi"}], "store": False}
    assert lost == []


def test_a_tool_loop() -> None:
    body, lost = sent(LOOP)

    made = "rs_" + body["input"][1]["id"].removeprefix("rs_")
    proof = {"type": "reasoning", "id": made, "encrypted_content": OWN.value}
    assert body["instructions"] == "A\n\nB"
    assert body["input"] == [
        {"role": "user", "content": "Hi"},
        {**proof, "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"role": "assistant", "content": "Looking."},
        {"type": "function_call", "call_id": "call_1", "name": "get", "arguments": '{"k":"v"}'},
        {**proof, "summary": []},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "apply_patch", "input": "+a"},
        {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": [
                {"type": "input_text", "text": "see"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
            ],
        },
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "Error: no"},
        {"role": "user", "content": "and now?"},
        {"role": "developer", "content": "Be brief."},
    ]
    assert body["tools"] == [
        {"type": "function", "name": "get", "description": "d", "parameters": SCHEMA, "strict": False},
        {"type": "custom", "name": "apply_patch", "description": "Edit"},
    ]
    assert lost == ["tool result call_2"]


FULL = replace(
    LOOP,
    tool_choice=ToolChoice("any", None, ("get", "apply_patch")),
    parallel_tool_calls=False,
    max_output=100,
    temperature=0.5,
    top_p=0.9,
    format=JsonFormat(SCHEMA, "out", strict=True, description="d"),
    reasoning=Reasoning("high", visible=True),
    user="ann",
    service_tier="flex",
    stream=True,
)
DOCUMENTS = asking(
    TextPart(text="read"),
    ImagePart(url="https://x.example/y.png", detail="low"),
    DocumentPart(media_type="application/pdf", data="JVBERg==", title="a.pdf"),
    DocumentPart(url="https://x.example/z.pdf"),
    DocumentPart(text="plain", title="b.txt"),
)


def test_the_official_request_type_forbids_nothing_that_is_sent() -> None:
    bodies = [sent(request)[0] for request in (SAY, LOOP, FULL, DOCUMENTS)]
    known_wrong = {**bodies[0], "max_tokens": 9}

    judged = subprocess.run(
        [sys.executable, "-m", "tests.dialects.openai_responses.strict_request"],
        input=json.dumps([*bodies, known_wrong]),
        capture_output=True,
        check=True,
        text=True,
    )

    *complaints, known = json.loads(judged.stdout)
    assert complaints == [""] * len(bodies)
    assert "max_tokens" in known


def test_everything_that_can_be_said_is_said() -> None:
    body, _ = sent(FULL)

    assert body["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "get"}, {"type": "custom", "name": "apply_patch"}],
    }
    assert body["text"]["format"] == {
        "type": "json_schema",
        "name": "out",
        "schema": SCHEMA,
        "strict": True,
        "description": "d",
    }
    assert body["reasoning"] == {"effort": "high", "summary": "auto"}
    assert body["include"] == ["reasoning.encrypted_content"]
    assert (body["max_output_tokens"], body["stream"], body["service_tier"]) == (100, True, "flex")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none", None, ("get",)), "none"),
        (ToolChoice("tool", "get"), {"type": "function", "name": "get"}),
        (ToolChoice("tool", "apply_patch"), {"type": "custom", "name": "apply_patch"}),
    ],
)
def test_tool_choices(choice: ToolChoice, said: object) -> None:
    assert sent(replace(LOOP, tool_choice=choice))[0]["tool_choice"] == said


def test_a_choice_without_tools_is_not_sent() -> None:
    assert "tool_choice" not in sent(replace(SAY, tool_choice=ToolChoice("any")))[0]


def test_a_forced_choice_that_the_model_refuses_is_asked_for_in_words() -> None:
    body, lost = sent(replace(LOOP, tool_choice=ToolChoice("tool", "get")), ModelTraits(forced_tool_choice=False))

    assert "tool_choice" not in body
    assert body["instructions"].endswith("Call the tool get now.")
    assert "tool_choice" in lost


def test_the_least_output_is_sixteen_tokens() -> None:
    """Wire notes 2026-11: probes with `max_tokens: 1` fail there."""
    body, lost = sent(replace(SAY, max_output=1))

    assert body["max_output_tokens"] == 16
    assert lost == ["max_tokens"]


def test_what_the_dialect_cannot_say_is_a_loss() -> None:
    request = replace(SAY, stop=("END",), top_k=3, frequency_penalty=0.5, presence_penalty=0.0, seed=1)

    body, lost = sent(request)

    assert set(body) == {"model", "input", "store", "include"}
    assert lost == ["top_k", "frequency_penalty", "stop", "seed"]


def test_what_the_model_refuses_is_a_loss() -> None:
    traits = ModelTraits(sampling=False, thinking="none", json_schema=False, parallel_switch=False)

    body, lost = sent(FULL, traits)

    assert {"temperature", "top_p", "reasoning", "include", "parallel_tool_calls"}.isdisjoint(body)
    assert body["text"] == {"format": {"type": "json_object"}}
    assert {"temperature", "top_p", "reasoning effort", "response_format", "parallel_tool_calls"} <= set(lost)


def test_thinking_of_others_stays_behind() -> None:
    parts = (
        ThinkingPart(text="Hm.", signature=CLAUDE),
        ThinkingPart(redacted="cmVk"),
        ToolCallPart(id="call_1", name="get", signature=Signature("Q2c9", "gemini-generate")),
    )

    body, lost = sent(replace(LOOP, messages=(HI, Message("assistant", parts))))

    assert "reasoning" not in [item.get("type") for item in body["input"]]
    assert len(lost) >= 2


def test_an_item_of_its_own_goes_back_as_it_came() -> None:
    raw = b'{"type":"web_search_call","id":"ws_1","status":"completed"}'
    own = OpaquePart(dialect="openai-responses", label="web_search_call", raw=raw)
    foreign = OpaquePart(dialect="anthropic-messages", label="server_tool_use", raw=b"{}")

    body, lost = sent(replace(SAY, messages=(HI, Message("assistant", (own, foreign)), HI)))

    assert json.loads(raw) in body["input"]
    assert lost == ["messages[1]"]


@pytest.mark.parametrize(
    ("part", "traits"),
    [
        (AudioPart(media_type="audio/wav", data="AAAA"), PERMISSIVE),
        (ImagePart(url="https://x.example/y.png"), ModelTraits(images=False)),
        (DocumentPart(url="https://x.example/y.pdf"), ModelTraits(documents=False)),
    ],
)
def test_media_that_the_target_does_not_take_are_refused(part: Part, traits: ModelTraits) -> None:
    with pytest.raises(UnsupportedError):
        sent(asking(part), traits)


def test_a_model_without_tools_refuses_them() -> None:
    with pytest.raises(UnsupportedError):
        sent(LOOP, ModelTraits(tools=False))
