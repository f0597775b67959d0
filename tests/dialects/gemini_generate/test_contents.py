"""The conversation towards Gemini: WIRE cases 1, 2, 7 to 13, 19, and the repair of histories that it would refuse."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from proxyctl.core.chat import (
    ChatRequest,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from proxyctl.core.errors import UnsupportedError
from proxyctl.dialects.traits import ModelTraits

from .conftest import Encode

GEMINI_3 = ModelTraits(signatures_required=True, tool_name_pattern=r"[A-Za-z0-9_.:-]", tool_name_limit=128)
GEMINI_2 = ModelTraits(tool_call_ids=False, media_in_tool_results=False)
STAND_IN = "skip_thought_signature_validator"
REAL = base64.b64encode(b"proof of thought").decode()
PIXEL = base64.b64encode(b"\x89PNG pixel").decode()


def request(*messages: Message, system: tuple[TextPart, ...] = (), tools: tuple[Tool, ...] = ()) -> ChatRequest:
    return ChatRequest(model="gemini-3.8-flash", messages=messages, system=system, tools=tools)


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(TextPart(text=part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Part | str) -> Message:
    return Message("assistant", tuple(TextPart(text=part) if isinstance(part, str) else part for part in parts))


def call(call_id: str, name: str = "get", arguments: str = "{}", signature: str | None = None) -> ToolCallPart:
    proof = Signature(signature, "gemini-generate") if signature else None
    return ToolCallPart(id=call_id, name=name, arguments=arguments, signature=proof)


def result(call_id: str, text: str = "done", **more: Any) -> ToolResultPart:
    return ToolResultPart(call_id=call_id, parts=(TextPart(text=text),), **more)


def shape(body: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Roles, and which member each part has."""
    return [
        (content["role"], [next(key for key in part if key != "thoughtSignature") for part in content["parts"]])
        for content in body["contents"]
    ]


def parts_of(body: dict[str, Any], index: int) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = body["contents"][index]["parts"]
    return parts


def test_case_1_two_system_blocks_are_two_instruction_parts_without_a_role(encode: Encode) -> None:
    body, losses = encode(request(user("Hi"), system=(TextPart(text="Be brief."), TextPart(text="Be kind."))))

    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]
    assert losses == []


def test_case_2_a_system_message_inside_the_chat_stays_in_its_place(encode: Encode) -> None:
    chat = (user("One"), assistant("Two"), Message("system", (TextPart(text="Now in French."),)), user("Three"))

    body, losses = encode(request(*chat))

    assert "systemInstruction" not in body
    assert "Now in French." in parts_of(body, 2)[0]["text"]
    assert parts_of(body, 2)[1] == {"text": "Three"}
    assert losses == ["messages[2].role"]


def test_case_7_a_signature_returns_on_the_call_it_came_with(encode: Encode) -> None:
    body, losses = encode(request(user("Hi"), assistant(call("c1", signature=REAL)), user(result("c1"))), GEMINI_3)

    assert parts_of(body, 1) == [{"functionCall": {"name": "get", "args": {}, "id": "c1"}, "thoughtSignature": REAL}]
    assert losses == []


def test_case_8_a_call_whose_signature_the_client_lost_gets_the_stand_in(encode: Encode) -> None:
    body, losses = encode(request(user("Hi"), assistant(call("c1")), user(result("c1"))), GEMINI_3)

    assert parts_of(body, 1)[0]["thoughtSignature"] == STAND_IN
    assert losses == ["tool call get"]


def test_case_9_a_parallel_batch_is_one_turn_and_its_siblings_stay_unsigned(encode: Encode) -> None:
    batch = assistant(call("a", signature=REAL), call("b"), call("c"))

    body, _ = encode(request(user("Hi"), batch, user(result("a"), result("b"), result("c"))), GEMINI_3)

    assert shape(body)[1] == ("model", ["functionCall"] * 3)
    assert [part.get("thoughtSignature") for part in parts_of(body, 1)] == [REAL, None, None]


def test_case_9_without_any_signature_only_the_first_of_a_batch_gets_the_stand_in(encode: Encode) -> None:
    body, _ = encode(request(user("Hi"), assistant(call("a"), call("b")), user(result("a"), result("b"))), GEMINI_3)

    assert [part.get("thoughtSignature") for part in parts_of(body, 1)] == [STAND_IN, None]


def test_several_signatures_of_a_batch_are_all_kept(encode: Encode) -> None:
    other = base64.b64encode(b"another proof").decode()
    batch = assistant(call("a", signature=REAL), call("b", signature=other))

    body, _ = encode(request(user("Hi"), batch, user(result("a"), result("b"))), GEMINI_3)

    assert [part["thoughtSignature"] for part in parts_of(body, 1)] == [REAL, other]


def test_each_step_gets_a_stand_in_which_is_a_loss_in_the_current_turn_only(encode: Encode) -> None:
    """Older turns keep theirs, so that a conversation begins with the same bytes in each of its requests."""
    older = (user("One"), assistant(call("a")), user(result("a")), assistant("Done."))
    current = (user("Two"), assistant(call("b")), user(result("b")), assistant(call("c")), user(result("c")))

    body, losses = encode(request(*older, *current), GEMINI_3)

    signed = [part.get("thoughtSignature") for content in body["contents"] for part in content["parts"]]
    assert signed == [None, STAND_IN, None, None, None, STAND_IN, None, STAND_IN, None]
    assert losses == ["tool call get"]
    assert encode(request(*older, user("Two")), GEMINI_3)[0]["contents"][:4] == body["contents"][:4]


def test_text_beside_a_tool_result_does_not_begin_a_new_turn(encode: Encode) -> None:
    """Clients put reminders beside results; taking them for a new user turn would cost a 400 for the step before."""
    body, _ = encode(request(user("Hi"), assistant(call("a")), user(result("a"), "By the way: hurry.")), GEMINI_3)

    assert parts_of(body, 1)[0]["thoughtSignature"] == STAND_IN


def test_a_model_that_needs_no_signatures_gets_no_stand_in(encode: Encode) -> None:
    body, losses = encode(request(user("Hi"), assistant(call("a")), user(result("a"))), GEMINI_2)

    assert "thoughtSignature" not in parts_of(body, 1)[0]
    assert losses == []


@pytest.mark.parametrize(
    "signature", [Signature("sig", "anthropic-messages"), Signature("not base64 !", "gemini-generate")]
)
def test_a_foreign_or_broken_signature_is_never_sent(encode: Encode, signature: Signature) -> None:
    """Google answers either with a 400 on the whole request."""
    signed = ToolCallPart(id="a", name="get", signature=signature)

    body, losses = encode(request(user("Hi"), assistant(signed), user(result("a"))), GEMINI_2)

    assert "thoughtSignature" not in parts_of(body, 1)[0]
    assert losses == ["messages[1].parts[0].signature"]


@pytest.mark.parametrize("signature", ["AB-_", "QUJD", "QUI"])
def test_both_base64_alphabets_and_missing_padding_are_signatures(encode: Encode, signature: str) -> None:
    body, losses = encode(request(user("Hi"), assistant(call("a", signature=signature)), user(result("a"))))

    assert parts_of(body, 1)[0]["thoughtSignature"] == signature
    assert losses == []


def test_a_signature_on_text_returns_even_when_the_text_is_empty(encode: Encode) -> None:
    signed = TextPart(text="", signature=Signature(REAL, "gemini-generate"))

    body, _ = encode(request(user("Hi"), assistant("Hello", signed), user("Bye")))

    assert parts_of(body, 1) == [{"text": "Hello"}, {"text": "", "thoughtSignature": REAL}]


def test_case_10_three_tool_messages_are_one_turn_in_call_order(encode: Encode) -> None:
    batch = assistant(call("a", "one"), call("b", "two"), call("c", "three"))
    answers = (user(result("c", "3")), user(result("a", "1")), user(result("b", "2")))

    body, _ = encode(request(user("Hi"), batch, *answers))

    assert [part["functionResponse"]["name"] for part in parts_of(body, 2)] == ["one", "two", "three"]
    assert [part["functionResponse"]["response"] for part in parts_of(body, 2)] == [
        {"output": "1"},
        {"output": "2"},
        {"output": "3"},
    ]


def test_case_11_a_result_takes_its_name_from_the_call_and_its_id_only_where_ids_exist(encode: Encode) -> None:
    chat = request(user("Hi"), assistant(call("c1", "weather")), user(result("c1", "sunny")))

    newer, _ = encode(chat, GEMINI_3)
    older, _ = encode(chat, GEMINI_2)

    assert parts_of(newer, 2) == [
        {"functionResponse": {"name": "weather", "id": "c1", "response": {"output": "sunny"}}}
    ]
    assert parts_of(older, 2) == [{"functionResponse": {"name": "weather", "response": {"output": "sunny"}}}]
    assert "id" not in parts_of(older, 1)[0]["functionCall"]


def picture_result() -> ToolResultPart:
    picture = ImagePart(media_type="image/png", data=PIXEL)
    return ToolResultPart(call_id="a", parts=(TextPart(text="see"), picture))


def test_case_12_an_image_in_a_tool_result_travels_inside_it_where_it_may(encode: Encode) -> None:
    body, losses = encode(request(user("Hi"), assistant(call("a")), user(picture_result())))

    response = parts_of(body, 2)[0]["functionResponse"]
    assert response["response"] == {"output": "see"}
    assert response["parts"] == [{"inlineData": {"mimeType": "image/png", "data": PIXEL}}]
    assert losses == []


def test_case_12_older_models_get_the_image_behind_all_results(encode: Encode) -> None:
    batch = assistant(call("a"), call("b"))

    body, losses = encode(request(user("Hi"), batch, user(picture_result(), result("b"), "Look!")), GEMINI_2)

    assert shape(body)[2] == ("user", ["functionResponse", "functionResponse", "inlineData", "text"])
    assert losses == ["messages[2].parts[0]"]


def test_case_13_a_failed_result_is_an_error_and_another_an_output(encode: Encode) -> None:
    answers = user(result("a", "boom", is_error=True), result("b", "fine"))

    body, _ = encode(request(user("Hi"), assistant(call("a"), call("b")), answers))

    assert [part["functionResponse"]["response"] for part in parts_of(body, 2)] == [
        {"error": "boom"},
        {"output": "fine"},
    ]


def test_an_empty_result_is_an_empty_output(encode: Encode) -> None:
    body, _ = encode(request(user("Hi"), assistant(call("a")), user(ToolResultPart(call_id="a"))))

    assert parts_of(body, 2)[0]["functionResponse"]["response"] == {"output": ""}


def test_case_19_empty_text_beside_calls_leaves_no_part_and_spaces_stay(encode: Encode) -> None:
    body, _ = encode(request(user("   "), assistant("", call("a")), user(result("a"), "")))

    assert shape(body) == [("user", ["text"]), ("model", ["functionCall"]), ("user", ["functionResponse"])]
    assert parts_of(body, 0) == [{"text": "   "}]


def test_numbers_in_arguments_survive_digit_by_digit(encode: Encode) -> None:
    losses_of = encode
    arguments = '{"id": 12345678901234567890123, "ratio": 1.10, "deep": [{"n": 9007199254740993}]}'

    body, _ = losses_of(request(user("Hi"), assistant(call("a", arguments=arguments)), user(result("a"))))

    assert parts_of(body, 1)[0]["functionCall"]["args"] == {
        "id": 12345678901234567890123,
        "ratio": 1.10,
        "deep": [{"n": 9007199254740993}],
    }


@pytest.mark.parametrize(
    ("arguments", "sent", "lost"),
    [
        ("", {}, False),
        ("[1,2]", {"value": [1, 2]}, True),
        ('{"broken":', {"_raw_arguments": '{"broken":'}, True),
    ],
)
def test_arguments_are_always_an_object(encode: Encode, arguments: str, sent: object, *, lost: bool) -> None:
    body, losses = encode(request(user("Hi"), assistant(call("a", arguments=arguments)), user(result("a"))))

    assert parts_of(body, 1)[0]["functionCall"]["args"] == sent
    assert bool(losses) is lost


def test_neighbours_of_one_role_are_one_content(encode: Encode) -> None:
    body, _ = encode(request(user("One"), user("Two"), assistant("Three"), assistant("Four"), user("Five")))

    assert shape(body) == [("user", ["text", "text"]), ("model", ["text", "text"]), ("user", ["text"])]


def test_a_turn_that_holds_nothing_is_left_out_and_its_neighbours_meet(encode: Encode) -> None:
    body, _ = encode(request(user("One"), assistant(""), user("Two")))

    assert body["contents"] == [{"role": "user", "parts": [{"text": "One"}, {"text": "Two"}]}]


def test_a_conversation_that_begins_with_the_model_gets_a_blank_user_turn(encode: Encode) -> None:
    body, losses = encode(request(assistant("Welcome!"), user("Hi")))

    assert shape(body) == [("user", ["text"]), ("model", ["text"]), ("user", ["text"])]
    assert losses == ["messages[0]"]


def test_a_call_nobody_answered_gets_an_error_result(encode: Encode) -> None:
    """Gemini refuses a turn with another number of responses than calls."""
    body, losses = encode(request(user("Hi"), assistant(call("a"), call("b")), user(result("a"), "Go on")))

    assert shape(body)[2] == ("user", ["functionResponse", "functionResponse", "text"])
    assert parts_of(body, 2)[1]["functionResponse"]["response"] == {"error": "[no result]"}
    assert len(losses) == 1


def test_a_result_without_a_call_becomes_text(encode: Encode) -> None:
    body, losses = encode(request(user("Hi"), assistant("Hello"), user(result("gone", "42"), "And?")))

    assert [part["text"] for part in parts_of(body, 2)] == ["[tool result gone] 42", "And?"]
    assert len(losses) == 1


def test_only_geminis_own_signed_thinking_goes_back(encode: Encode) -> None:
    mine = ThinkingPart(text="Hm.", signature=Signature(REAL, "gemini-generate"))
    foreign = ThinkingPart(text="Hmm.", signature=Signature("c2ln", "anthropic-messages"))
    unsigned = ThinkingPart(text="Hmmm.")

    body, losses = encode(request(user("Hi"), assistant(mine, foreign, unsigned, "Hello"), user("Bye")))

    assert parts_of(body, 1) == [{"text": "Hm.", "thought": True, "thoughtSignature": REAL}, {"text": "Hello"}]
    assert losses == ["messages[1].parts[1].signature", "messages[1].parts[2]"]


def test_a_refusal_goes_back_as_text(encode: Encode) -> None:
    body, _ = encode(request(user("Hi"), assistant(RefusalPart(text="I will not.")), user("Why?")))

    assert parts_of(body, 1) == [{"text": "I will not."}]


def test_opaque_parts_return_to_their_own_dialect_only(encode: Encode) -> None:
    own = OpaquePart(
        dialect="gemini-generate", label="code", raw=b'{"executableCode":{"code":"1","language":"PYTHON"}}'
    )
    foreign = OpaquePart(dialect="anthropic-messages", label="search", raw=b'{"type":"server_tool_use"}')

    body, losses = encode(request(user("Hi"), assistant(own, foreign, "Done"), user("Ok")))

    assert shape(body)[1] == ("model", ["executableCode", "text"])
    assert losses == ["messages[1].parts[1]"]


def test_names_that_the_target_refuses_change_in_history_too(encode: Encode) -> None:
    tools = (Tool(name="get weather"),)

    body, losses = encode(request(user("Hi"), assistant(call("a", "get weather")), user(result("a")), tools=tools))

    assert body["tools"][0]["functionDeclarations"] == [{"name": "get_weather"}]
    assert parts_of(body, 1)[0]["functionCall"]["name"] == "get_weather"
    assert parts_of(body, 2)[0]["functionResponse"]["name"] == "get_weather"
    assert losses == ["tools[0].name"]


def test_a_system_text_alone_is_sent_as_the_user_message(encode: Encode) -> None:
    body, losses = encode(request(system=(TextPart(text="Say hello."),)))

    assert body == {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]}
    assert losses == ["messages"]


def test_a_request_without_any_content_is_refused(encode: Encode) -> None:
    with pytest.raises(UnsupportedError, match="nothing to answer"):
        encode(request(user("")))


def test_an_assistant_turn_at_the_end_is_refused_where_models_do_not_continue_it(encode: Encode) -> None:
    chat = request(user("Count"), assistant("One, two"))

    with pytest.raises(UnsupportedError, match=r"gemini-3\.8-flash does not continue"):
        encode(chat, ModelTraits(prefill=False))

    body, _ = encode(chat, ModelTraits(prefill=True))
    assert shape(body)[-1] == ("model", ["text"])
