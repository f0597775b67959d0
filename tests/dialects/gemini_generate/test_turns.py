"""Contents as clients write them, in the canonical form."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from proxyctl.core.chat import (
    AudioPart,
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
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.dialects.history import repaired


def messages(*contents: Any) -> tuple[Message, ...]:
    return GEMINI_GENERATE.decode_request(msgspec.json.encode({"contents": contents})).messages


def part(written: Any, role: str = "user") -> Part:
    [message] = messages({"role": role, "parts": [written]})
    [read] = message.parts
    return read


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": parts}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": parts}


def call(name: str, call_id: str | None = None, **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args} | ({"id": call_id} if call_id else {})}


def result(name: str, response: Any, call_id: str | None = None) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": response} | ({"id": call_id} if call_id else {})}


@pytest.mark.parametrize(
    "contents",
    [
        '[{"role":"user","parts":[{"text":"Hi"}]}]',
        '[{"parts":[{"text":"Hi"}]}]',
        '[{"parts":{"text":"Hi"}}]',
        '{"parts":{"text":"Hi"}}',
        '{"role":"user","parts":[{"text":"Hi"}]}',
        '["Hi"]',
        '"Hi"',
    ],
)
def test_short_forms_mean_the_long_one(contents: str) -> None:
    request = GEMINI_GENERATE.decode_request(f'{{"contents":{contents}}}'.encode())

    assert request.messages == (Message("user", (TextPart(text="Hi"),)),)


DATA = base64.b64encode(b"\xff\xee data").decode()
URL_SAFE = DATA.replace("/", "_").rstrip("=")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"inlineData": {"mimeType": "image/png", "data": URL_SAFE}}, ImagePart(media_type="image/png", data=DATA)),
        ({"inline_data": {"mime_type": "image/jpg", "data": DATA}}, ImagePart(media_type="image/jpeg", data=DATA)),
        ({"inlineData": {"mimeType": "audio/wav", "data": DATA}}, AudioPart(media_type="audio/wav", data=DATA)),
        ({"inlineData": {"mimeType": "video/mp4", "data": DATA}}, VideoPart(media_type="video/mp4", data=DATA)),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": DATA, "displayName": "a.pdf"}},
            DocumentPart(media_type="application/pdf", data=DATA, title="a.pdf"),
        ),
        ({"inlineData": {"mimeType": "text/plain", "data": "SGk="}}, DocumentPart(text="Hi")),
        (
            {"fileData": {"mimeType": "image/png", "fileUri": "https://example.org/a.png"}},
            ImagePart(media_type="image/png", url="https://example.org/a.png"),
        ),
        (
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}},
            VideoPart(media_type="video/mp4", url="https://www.youtube.com/watch?v=1"),
        ),
        (
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.org/a.pdf"}},
            DocumentPart(media_type="application/pdf", url="https://example.org/a.pdf"),
        ),
    ],
)
def test_media(written: Any, read: Part) -> None:
    assert part(written) == read


@pytest.mark.parametrize(
    "file",
    [
        {"mimeType": "image/png", "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"},
        {"mimeType": "image/png", "fileUri": "gs://bucket/a.png"},
        {"mimeType": "audio/wav", "fileUri": "https://example.org/a.wav"},
    ],
)
def test_a_stored_file_is_refused_where_it_cannot_go(file: Any) -> None:
    with pytest.raises(UnsupportedError) as caught:
        part({"fileData": file})

    assert caught.value.param == "contents[0].parts[0].fileData"


def test_what_only_gemini_knows_stays_opaque() -> None:
    read = part({"executableCode": {"language": "PYTHON", "code": "1"}}, "model")

    assert read == OpaquePart(
        dialect="gemini-generate",
        label="executableCode",
        raw=b'{"executableCode":{"language":"PYTHON","code":"1"}}',
    )


def test_parts_that_say_nothing_are_left_out() -> None:
    assert messages(user({}, {"text": ""}, {"text": "Hi"})) == (Message("user", (TextPart(text="Hi"),)),)


def test_a_streamed_answers_pieces_are_one_turn_again() -> None:
    """As the SDK's chats keep them; a thought's proof comes behind its last piece."""
    read = messages(
        user({"text": "Hi"}),
        model({"text": "I ", "thought": True}),
        model({"text": "think", "thought": True}),
        model({"text": "", "thought": True, "thoughtSignature": "AQ=="}),
        model({"text": "Hel"}),
        model({"text": "lo"}),
        model(call("f", "c1", a=1) | {"thoughtSignature": "Ag=="}),
        model({"text": ""}),
        user(result("f", {"result": "x"}, "c1")),
    )

    assert read[1] == Message(
        "assistant",
        (
            ThinkingPart(text="I think", signature=Signature("AQ==", "gemini-generate")),
            TextPart(text="Hello"),
            ToolCallPart(id="c1", name="f", arguments='{"a":1}', signature=Signature("Ag==", "gemini-generate")),
        ),
    )
    assert [message.role for message in read] == ["user", "assistant", "user"]


def test_two_proven_thoughts_stay_two() -> None:
    [read] = messages(
        model(
            {"text": "a", "thought": True, "thoughtSignature": "AQ=="},
            {"text": "b", "thought": True, "thoughtSignature": "Ag=="},
        )
    )

    assert [inner.text for inner in read.parts if isinstance(inner, ThinkingPart)] == ["a", "b"]


def test_calls_without_ids_get_stable_ones_and_results_find_them_by_name() -> None:
    contents = (
        user({"text": "Hi"}),
        model(call("f", a=1), call("g"), call("f", a=2)),
        user(result("f", {"output": "first"}), result("f", {"output": "second"}), result("g", {"output": "other"})),
    )

    read, again = messages(*contents), messages(*contents)

    assert read == again
    calls = [inner for inner in read[1].parts if isinstance(inner, ToolCallPart)]
    results = [inner for inner in read[2].parts if isinstance(inner, ToolResultPart)]
    assert len({one.id for one in calls}) == 3
    assert [one.call_id for one in results] == [calls[0].id, calls[2].id, calls[1].id]
    losses = Losses()
    repaired(read, losses)
    assert not losses


def test_results_with_ids_go_to_their_calls() -> None:
    read = messages(
        model(call("f", "c1"), call("f", "c2")), user(result("f", {"output": "b"}, "c2"), result("f", {}, "c1"))
    )

    assert [inner.call_id for inner in read[1].parts if isinstance(inner, ToolResultPart)] == ["c2", "c1"]


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"output": "x"}, "x", False),
        ({"result": "x"}, "x", False),
        ({"return_value": 3}, "3", False),
        ({"name": "f", "content": "x"}, "x", False),
        ({"output": {"a": [1, 2]}}, '{"a":[1,2]}', False),
        ({"error": "no"}, "no", True),
        ({"error": {"code": 1}}, '{"code":1}', True),
        ({"output": "x", "error": None}, '{"output":"x","error":null}', False),
        ({"temperature": 3}, '{"temperature":3}', False),
        ({}, "", False),
    ],
)
def test_a_results_wrapping_is_undone(response: Any, text: str, is_error: bool) -> None:
    read = part(result("f", response))

    assert isinstance(read, ToolResultPart)
    assert "".join(inner.text for inner in read.parts if isinstance(inner, TextPart)) == text
    assert read.is_error is is_error


def test_a_picture_inside_a_result() -> None:
    written = result("f", {"output": "see"}, "c1")
    written["functionResponse"]["parts"] = [{"inlineData": {"mimeType": "image/png", "data": DATA}}]

    read = part(written)

    assert isinstance(read, ToolResultPart)
    assert read.parts == (TextPart(text="see"), ImagePart(media_type="image/png", data=DATA))


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"role": "wizard", "parts": [{"text": "x"}]}, "contents[0].role"),
        ({"role": "user", "parts": [{"text": 1}]}, "contents[0].parts[0].text"),
        ({"role": "user", "parts": [call("f")]}, "contents[0].parts"),
        ({"role": "model", "parts": [{"functionCall": {"name": "f", "args": [1]}}]}, "functionCall.args"),
        ({"role": "model", "parts": [{"functionCall": {"args": {}}}]}, "contents[0].parts[0].functionCall"),
        ({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": "x"}}]}, "response"),
        ({"role": "user", "parts": [{"inlineData": {"data": DATA}}]}, "inlineData.mimeType"),
        ({"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "é"}}]}, "inlineData.data"),
        ({"role": "user", "parts": [{"fileData": {"mimeType": "image/png"}}]}, "fileData.fileUri"),
        ({"role": "user", "parts": 7}, "contents[0].parts"),
        ({"parts": "x"}, "contents[0].parts"),
        ({"parts": ["x"]}, "contents[0].parts[0]"),
    ],
)
def test_what_is_wrong_is_named(content: Any, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        messages(content)

    assert path in caught.value.path
