"""The conversation towards Cohere: its order rules, tools and their results, thinking, pictures."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from proxyctl.core.chat import (
    AudioPart,
    ChatRequest,
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
)
from proxyctl.core.errors import UnsupportedError
from proxyctl.dialects.traits import ModelTraits

from .conftest import Encode

DATA = base64.b64encode(b"some bytes").decode()
PICTURE = ImagePart(media_type="image/png", data=DATA)
PICTURE_URL = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}


def request(*messages: Message, system: tuple[str, ...] = ()) -> ChatRequest:
    parts = tuple(TextPart(text=text) for text in system)
    return ChatRequest(model="command-a-plus-05-2026", messages=messages, system=parts)


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(TextPart(text=part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Part | str) -> Message:
    return Message("assistant", tuple(TextPart(text=part) if isinstance(part, str) else part for part in parts))


def call(call_id: str, name: str = "get", arguments: str = "{}") -> ToolCallPart:
    return ToolCallPart(id=call_id, name=name, arguments=arguments)


def result(call_id: str, *parts: Any, is_error: bool = False) -> ToolResultPart:
    return ToolResultPart(call_id=call_id, parts=parts or (TextPart(text="done"),), is_error=is_error)


def test_system_blocks_are_one_first_message(encode: Encode) -> None:
    body, losses = encode(request(user("Hi"), system=("Be brief.", "Be kind.")))

    assert body["messages"] == [
        {"role": "system", "content": "Be brief.\n\nBe kind."},
        {"role": "user", "content": "Hi"},
    ]
    assert losses == []


def test_a_system_message_inside_the_chat_becomes_user_text_in_its_place(encode: Encode) -> None:
    chat = (user("One"), assistant("Two"), Message("system", (TextPart(text="In French."),)), user("Three"))

    body, losses = encode(request(*chat))

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert "In French." in body["messages"][2]["content"][0]["text"]
    assert body["messages"][2]["content"][1] == {"type": "text", "text": "Three"}
    assert losses == ["messages[2].role"]


def test_a_tool_loop(encode: Encode) -> None:
    arguments = '{"n": 12345678901234567890}'

    body, losses = encode(
        request(user("Hi"), assistant("I will look.", call("c1", arguments=arguments)), user(result("c1"), "And?"))
    )

    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "tool_plan": "I will look.",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "get", "arguments": arguments}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
        {"role": "user", "content": "And?"},
    ]
    assert losses == []


def test_results_come_in_the_order_of_the_calls(encode: Encode) -> None:
    body, _ = encode(request(user("Hi"), assistant(call("a"), call("b")), user(result("b")), user(result("a"))))

    assert [message.get("tool_call_id") for message in body["messages"][2:]] == ["a", "b"]


def test_repeated_ids_are_made_unique_on_call_and_result(encode: Encode) -> None:
    """Cohere refuses an id that stands twice in one request; the judge checks it."""
    step = (assistant(call("same")), user(result("same")))

    body, _ = encode(request(user("Hi"), *step, *step))

    assert [message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"] == ["same", "same_2"]


@pytest.mark.parametrize(
    ("arguments", "sent", "lost"), [("", "{}", 0), ("[1]", '{"value":[1]}', 1), ('{"a":1}', '{"a":1}', 0)]
)
def test_arguments_are_the_text_of_an_object(encode: Encode, arguments: str, sent: str, lost: int) -> None:
    body, losses = encode(request(user("Hi"), assistant(call("a", arguments=arguments)), user(result("a"))))

    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == sent
    assert len(losses) == lost


def test_a_failed_result_is_marked_in_its_text(encode: Encode) -> None:
    body, losses = encode(request(user("Hi"), assistant(call("a")), user(result("a", is_error=True))))

    assert body["messages"][2]["content"] == "Error: done"
    assert losses == ["messages[2].parts[0]"]


def test_pictures_of_results_follow_all_results_in_a_user_message(encode: Encode) -> None:
    answers = user(result("a", TextPart(text="see"), PICTURE), result("b"), "What is it?")

    body, losses = encode(request(user("Hi"), assistant(call("a", "shoot"), call("b")), answers))

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert body["messages"][2]["content"] == "see"
    assert body["messages"][4]["content"] == [
        {"type": "text", "text": "Image returned by tool shoot:"},
        PICTURE_URL,
        {"type": "text", "text": "What is it?"},
    ]
    assert losses == ["messages[2].parts[0]"]


def test_a_text_document_in_a_result_is_part_of_its_text(encode: Encode) -> None:
    document = DocumentPart(text="42", title="Answer")

    body, _ = encode(request(user("Hi"), assistant(call("a")), user(result("a", TextPart(text="read"), document))))

    assert body["messages"][2]["content"] == "read\nAnswer\n\n42"


def test_pictures_travel_as_data_or_by_address(encode: Encode) -> None:
    address = "https://example.com/cat.png"

    body, losses = encode(request(user("Look", PICTURE, ImagePart(url=address, detail="low"))))

    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "Look"},
        PICTURE_URL,
        {"type": "image_url", "image_url": {"url": address}},
    ]
    assert losses == []


@pytest.mark.parametrize(
    "part",
    [
        DocumentPart(media_type="application/pdf", data=DATA),
        DocumentPart(url="https://example.com/a.pdf"),
        AudioPart(media_type="audio/wav", data=DATA),
        VideoPart(media_type="video/mp4", data=DATA),
        ImagePart(),
    ],
)
def test_what_cohere_cannot_take_is_refused_with_a_400_that_names_the_place(encode: Encode, part: Part) -> None:
    with pytest.raises(UnsupportedError) as caught:
        encode(request(user("Look", part)))

    assert caught.value.problem().status == 400
    assert caught.value.param == "messages[0].parts[1]"


def test_a_model_without_eyes_refuses_pictures(encode: Encode) -> None:
    with pytest.raises(UnsupportedError, match="no images"):
        encode(request(user(PICTURE)), ModelTraits(images=False))


def test_unsigned_thinking_goes_back_to_a_model_that_thinks(encode: Encode) -> None:
    chat = request(user("Hi"), assistant(ThinkingPart(text="Hm."), "Hello"), user("Bye"))

    thinking, none = encode(chat)
    plain, losses = encode(chat, ModelTraits(thinking="none"))

    assert thinking["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": "Hello"},
    ]
    assert none == []
    assert plain["messages"][1]["content"] == "Hello"
    assert losses == ["messages[1]"]


def test_thinking_beside_calls_stays_beside_the_plan(encode: Encode) -> None:
    body, _ = encode(request(user("Hi"), assistant(ThinkingPart(text="Hm."), "Plan.", call("a")), user(result("a"))))

    assert body["messages"][1]["content"] == [{"type": "thinking", "thinking": "Hm."}]
    assert body["messages"][1]["tool_plan"] == "Plan."


@pytest.mark.parametrize(
    "part",
    [
        ThinkingPart(text="Hm.", signature=Signature("x", "anthropic-messages")),
        ThinkingPart(redacted="secret"),
        OpaquePart(dialect="anthropic-messages", label="search", raw=b"{}"),
    ],
)
def test_parts_of_other_providers_are_dropped_and_told(encode: Encode, part: Part) -> None:
    body, losses = encode(request(user("Hi"), assistant(part, "Hello"), user("Bye")))

    assert body["messages"][1] == {"role": "assistant", "content": "Hello"}
    assert losses == ["messages[1]"]


def test_empty_messages_are_left_out(encode: Encode) -> None:
    body, losses = encode(request(user("Hi"), assistant("", ThinkingPart()), user("")))

    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert losses == []


def test_a_system_text_alone_is_sent_as_the_user_message(encode: Encode) -> None:
    body, losses = encode(request(system=("Say hello.",)))

    assert body["messages"] == [{"role": "user", "content": "Say hello."}]
    assert losses == ["messages"]


def test_a_request_without_any_content_is_refused(encode: Encode) -> None:
    with pytest.raises(UnsupportedError, match="nothing to answer"):
        encode(request(user("")))


def test_an_assistant_message_at_the_end_is_refused(encode: Encode) -> None:
    with pytest.raises(UnsupportedError, match="does not continue"):
        encode(request(user("Count"), assistant("One, two")))
