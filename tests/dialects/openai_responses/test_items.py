"""Input items become messages: what the assistant said, thought and called between two others is one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.chat import (
    AudioPart,
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.envelope import seal
from tests.dialects.openai_responses.requests import answered, called, decoded, only_parts, user

GOOGLE = Signature("Q2c9PQ==", "gemini-generate")
CLAUDE = Signature("EqQBCkYI", "anthropic-messages")


def reasoning(text: str = "", proof: str | None = None) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": proof}


def test_a_tool_loop_is_three_messages() -> None:
    request = decoded(
        [
            {"role": "user", "content": "Weather?"},
            {
                "type": "message",
                "role": "assistant",
                "id": "msg_1",
                "content": [{"type": "output_text", "text": "Hm."}],
            },
            called("call_1", arguments='{"k":1}'),
            called("call_2", name="put"),
            answered("call_1", "12"),
            answered("call_2", [{"type": "input_text", "text": "ok"}]),
        ]
    )

    asked, said, results = request.messages
    assert asked == Message("user", (TextPart(text="Weather?"),))
    assert said.parts == (
        TextPart(text="Hm."),
        ToolCallPart(id="call_1", name="get", arguments='{"k":1}'),
        ToolCallPart(id="call_2", name="put", arguments="{}"),
    )
    assert results.parts == (
        ToolResultPart(call_id="call_1", parts=(TextPart(text="12"),)),
        ToolResultPart(call_id="call_2", parts=(TextPart(text="ok"),)),
    )


def test_a_free_text_call_carries_its_text_in_one_argument() -> None:
    items = [
        {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": '+a "b"\n'},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "Done"},
    ]

    said, result = decoded(items).messages

    [call] = said.parts
    assert isinstance(call, ToolCallPart)
    assert json.loads(call.arguments) == {"input": '+a "b"\n'}
    assert result.parts == (ToolResultPart(call_id="c", parts=(TextPart(text="Done"),)),)


def test_a_call_in_a_namespace_bears_both_names() -> None:
    [call] = only_parts(decoded([called(name="go", namespace="mcp__box__")]))

    assert isinstance(call, ToolCallPart)
    assert call.name == "mcp__box__go"


def test_arguments_as_an_object_are_its_text() -> None:
    [call] = only_parts(decoded([called(arguments={"n": 10**20})]))

    assert isinstance(call, ToolCallPart)
    assert json.loads(call.arguments) == {"n": 10**20}


def test_a_picture_inside_a_result_stays_there() -> None:
    """Codex shows pictures to the model so."""
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "high"}

    [result] = only_parts(decoded([answered(output=[{"type": "input_text", "text": "see"}, image])]))

    assert isinstance(result, ToolResultPart)
    assert result.parts == (TextPart(text="see"), ImagePart(media_type="image/png", data="AAAA", detail="high"))


def test_content_of_every_kind() -> None:
    parts = only_parts(
        decoded(
            [
                user(
                    {
                        "type": "input_text",
                        "text": "see",
                        "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"},
                    },
                    {"type": "input_image", "image_url": "https://x.example/y.png", "detail": "low"},
                    {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"},
                    {"type": "input_file", "file_data": "JVBERg=="},
                    {"type": "input_file", "file_data": "data:text/plain;base64,SGk=", "filename": "a.txt"},
                    {"type": "input_file", "file_data": "data:image/png;base64,AAAA"},
                    {"type": "input_file", "file_url": "https://x.example/z.pdf"},
                    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                )
            ]
        )
    )

    assert parts == (
        TextPart(text="see", cache_ttl="30m"),
        ImagePart(url="https://x.example/y.png", detail="low"),
        DocumentPart(media_type="application/pdf", data="JVBERg==", title="a.pdf"),
        DocumentPart(media_type="application/pdf", data="JVBERg=="),
        DocumentPart(text="Hi", title="a.txt"),
        ImagePart(media_type="image/png", data="AAAA"),
        DocumentPart(url="https://x.example/z.pdf"),
        AudioPart(media_type="audio/mp3", data="AAAA"),
    )


def test_a_refusal_in_the_history_is_one() -> None:
    item = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}

    assert only_parts(decoded([item])) == (RefusalPart(text="No."),)


def test_citations_are_a_loss() -> None:
    cited = {"type": "output_text", "text": "It rains.", "annotations": [{"type": "url_citation"}]}

    assert decoded([{"role": "assistant", "content": [cited]}]).extras == ("input[0].content[0].annotations",)


@pytest.mark.parametrize(
    ("proof", "signature"),
    [("gAAAAB==", Signature("gAAAAB==", "openai-responses")), (seal(CLAUDE), CLAUDE), (None, None)],
)
def test_thinking_keeps_the_proof_that_it_came_with(proof: str | None, signature: Signature | None) -> None:
    parts = only_parts(decoded([reasoning("Hm.", proof), called()]))

    assert parts[0] == ThinkingPart(text="Hm.", signature=signature)
    assert isinstance(parts[1], ToolCallPart)
    assert parts[1].signature is None


def test_a_calls_proof_goes_back_to_the_call_behind_it() -> None:
    """Two calls at once, each with its own (wire notes 2026-11, case 49)."""
    other = Signature("b3RoZXI=", "gemini-generate")

    parts = only_parts(
        decoded([reasoning("Hm.", seal(GOOGLE)), called(), reasoning("", seal(other)), called("call_2")])
    )

    assert parts == (
        ThinkingPart(text="Hm."),
        ToolCallPart(id="call_1", name="get", signature=GOOGLE),
        ToolCallPart(id="call_2", name="get", signature=other),
    )


@pytest.mark.parametrize("behind", [[], [{"role": "user", "content": "Go on."}]])
def test_a_calls_proof_without_its_call_stays_where_it_was(behind: list[dict[str, Any]]) -> None:
    request = decoded([reasoning("", seal(GOOGLE)), *behind])

    assert request.messages[0] == Message("assistant", (ThinkingPart(signature=GOOGLE),))


def test_an_encrypted_block_of_another_dialect_comes_back_whole() -> None:
    proof = seal(Signature("redacted:cmVk", "anthropic-messages"))

    assert only_parts(decoded([reasoning("", proof)])) == (ThinkingPart(redacted="cmVk"),)


def test_thinking_without_text_and_proof_is_nothing() -> None:
    assert only_parts(decoded([reasoning(), {"role": "user", "content": "Hi"}])) == (TextPart(text="Hi"),)


def test_an_item_of_a_providers_own_is_kept_as_it_came() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}

    [part] = only_parts(decoded([item]))

    assert isinstance(part, OpaquePart)
    assert (part.dialect, part.label) == ("openai-responses", "web_search_call")
    assert json.loads(part.raw) == item


@pytest.mark.parametrize(
    ("item", "path"),
    [
        (called(call_id=""), "input[0].call_id"),
        (called(name=""), "input[0].name"),
        (called(arguments=3), "input[0].arguments"),
        ({"type": "function_call_output", "output": "x"}, "input[0].call_id"),
        (answered(output=3), "input[0].output"),
        (answered(output=[{"type": "refusal", "refusal": "x"}]), "input[0].output[0]"),
        (user({"type": "input_text"}), "input[0].content[0].text"),
        (user({"type": "input_image"}), "input[0].content[0]"),
        (user({"type": "input_image", "image_url": "data:image/png"}), "input[0].content[0].image_url"),
        (user({"type": "input_file"}), "input[0].content[0]"),
        (user({"type": "input_audio"}), "input[0].content[0].type"),
    ],
)
def test_an_item_that_lacks_something_says_where(item: dict[str, Any], path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decoded([item])

    assert caught.value.path == path


@pytest.mark.parametrize("kind", ["input_image", "input_file"])
def test_a_file_kept_by_a_provider_is_refused(kind: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        decoded([user({"type": kind, "file_id": "file_1"})])

    assert caught.value.param == "input[0].content[0].file_id"
