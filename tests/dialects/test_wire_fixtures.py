"""The fixtures themselves: what a vendor's own SDK reads without complaint, and what our decoders make of them.

A fixture that no vendor could send would prove nothing. So each frame and each whole answer is validated against the
types of the SDK whose provider is said to have sent it, before anybody of ours reads it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from cohere.v2.types import V2ChatResponse
from cohere.v2.types import v2chat_stream_response as cohere_events
from google.genai.types import GenerateContentResponse
from groq.types.chat import ChatCompletion as GroqCompletion
from groq.types.chat import ChatCompletionChunk as GroqChunk
from mistralai.client.models import ChatCompletionResponse, CompletionChunk
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter, ValidationError
from together.types.chat import ChatCompletion as TogetherCompletion
from together.types.chat import ChatCompletionChunk as TogetherChunk

from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.dialects.sse import frame_data
from tests.dialects.carried import FOLDERS, all_cases, dialect_of
from tests.dialects.wire_cases import WIRE, decoded, expected, frames, merged

Judge = Callable[[Any], object]

# What is documented (wire notes 2026-11) or seen, and wider than the SDK's own types.
WIDER = {
    "together-eos": "a delta without a role",
    "split-surrogates": "text cut inside a character, which pydantic refuses",
    "thinking-omitted": "a citation of which only the kind is written",
}
COHERE_EVENTS: dict[str, type[BaseModel]] = {
    "message-start": cohere_events.MessageStartV2ChatStreamResponse,
    "content-start": cohere_events.ContentStartV2ChatStreamResponse,
    "content-delta": cohere_events.ContentDeltaV2ChatStreamResponse,
    "content-end": cohere_events.ContentEndV2ChatStreamResponse,
    "tool-plan-delta": cohere_events.ToolPlanDeltaV2ChatStreamResponse,
    "tool-call-start": cohere_events.ToolCallStartV2ChatStreamResponse,
    "tool-call-delta": cohere_events.ToolCallDeltaV2ChatStreamResponse,
    "tool-call-end": cohere_events.ToolCallEndV2ChatStreamResponse,
    "citation-start": cohere_events.CitationStartV2ChatStreamResponse,
    "citation-end": cohere_events.CitationEndV2ChatStreamResponse,
    "message-end": cohere_events.MessageEndV2ChatStreamResponse,
    "debug": cohere_events.DebugV2ChatStreamResponse,
}
MESSAGES_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
RESPONSES_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def judge_of_frames(folder: Path) -> Judge:
    vendor = folder.name.partition("-")[0]
    match folder.parent.name, vendor:
        case "anthropic_messages", _:
            return lambda event: event["type"] == "ping" or MESSAGES_EVENT.validate_python(event)
        case "openai_responses", _:
            return RESPONSES_EVENT.validate_python
        case "gemini_generate", _:
            return GenerateContentResponse.model_validate
        case "cohere_chat", _:
            return lambda event: COHERE_EVENTS[event["type"]].model_validate(event)
        case _, "groq":
            return GroqChunk.model_validate
        case _, "mistral":
            return CompletionChunk.model_validate
        case _, "together":
            return TogetherChunk.model_validate
        case _:
            return ChatCompletionChunk.model_validate


def judge_of_answers(folder: Path) -> Judge:
    vendor = folder.name.partition("-")[0]
    match folder.parent.name, vendor:
        case "anthropic_messages", _:
            return Message.model_validate
        case "openai_responses", _:
            return Response.model_validate
        case "gemini_generate", _:
            return GenerateContentResponse.model_validate
        case "cohere_chat", _:
            return V2ChatResponse.model_validate
        case _, "groq":
            return GroqCompletion.model_validate
        case _, "mistral":
            return ChatCompletionResponse.model_validate
        case _, "together":
            return TogetherCompletion.model_validate
        case _:
            return ChatCompletion.model_validate


@pytest.mark.parametrize("folder", all_cases("stream.sse"))
def test_the_vendors_sdk_reads_every_frame(folder: Path) -> None:
    judge = judge_of_frames(folder)

    sent = [data for frame in frames((folder / "stream.sse").read_bytes()) if (data := frame_data(frame)) is not None]
    documents = [json.loads(data) for data in sent if data != b"[DONE]"]

    assert documents
    with pytest.raises(ValidationError) if folder.name in WIDER else nullcontext():
        for document in documents:
            judge(document)


@pytest.mark.parametrize("folder", all_cases("answer.json"))
def test_the_vendors_sdk_reads_every_whole_answer(folder: Path) -> None:
    judge_of_answers(folder)(json.loads((folder / "answer.json").read_bytes()))


@pytest.mark.parametrize("folder", all_cases("stream.sse"))
def test_a_stream_means_what_is_documented_wherever_it_is_cut(folder: Path) -> None:
    dialect, wire = UPSTREAM[dialect_of(folder)], (folder / "stream.sse").read_bytes()

    events = decoded(dialect, wire)

    assert assemble(events) == expected(folder)
    for seed in range(3):
        assert decoded(dialect, wire, seed) == events


@pytest.mark.parametrize("folder", all_cases("stream.sse"))
def test_a_stream_in_lines_of_another_kind_means_the_same(folder: Path) -> None:
    """A proxy on the way may write CRLF for LF, and put comments between."""
    dialect, wire = UPSTREAM[dialect_of(folder)], (folder / "stream.sse").read_bytes()
    crlf = b": on the way\r\n\r\n" + wire.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    assert merged(decoded(dialect, crlf, seed=7)) == merged(decoded(dialect, wire))


@pytest.mark.parametrize("folder", all_cases("expected.json") + all_cases("failure.json"))
def test_every_fixture_says_what_it_shows(folder: Path) -> None:
    assert len((folder / "README").read_text().strip().splitlines()) == 1
    assert (folder / "stream.sse").exists() != (folder / "failed.sse").exists()


def judge_of_a_case(document: Any) -> Judge:
    """Whose answer a conformance case holds, by the members that no other provider's has."""
    if "candidates" in document:
        return GenerateContentResponse.model_validate
    if "choices" in document:
        streamed = document["object"] == "chat.completion.chunk"
        return ChatCompletionChunk.model_validate if streamed else ChatCompletion.model_validate
    return lambda event: event["type"] == "error" or MESSAGES_EVENT.validate_python(event)


@pytest.mark.parametrize(
    "file", sorted(WIRE.glob("cases/**/*.sse")), ids=lambda file: f"{file.parent.name}/{file.name}"
)
def test_the_vendors_sdk_reads_the_streams_of_the_cases(file: Path) -> None:
    sent = [data for frame in frames(file.read_bytes()) if (data := frame_data(frame)) is not None]
    documents = [json.loads(data) for data in sent if data != b"[DONE]"]

    assert documents
    for document in documents:
        judge_of_a_case(document)(document)


@pytest.mark.parametrize("file", sorted(WIRE.glob("cases/*/*/answer.json")), ids=lambda file: file.parent.name)
def test_the_vendors_sdk_reads_the_whole_answers_of_the_cases(file: Path) -> None:
    document = json.loads(file.read_bytes())

    judge_of_a_case(document)(document)


def test_nothing_else_lies_about() -> None:
    known = {"README", "stream.sse", "answer.json", "expected.json", "failed.sse", "failure.json"}

    assert {path.name for dialect in FOLDERS for path in (WIRE / dialect).glob("*/*")} <= known
    assert {path.name for path in WIRE.iterdir()} == {*FOLDERS, "cases", "README.md"}
