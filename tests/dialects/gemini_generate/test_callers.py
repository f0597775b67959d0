"""Every documented answer of every provider, towards a Gemini caller: read with Google's own types.

The stream and the whole answer are translated as the gateway does it and compared with what the fixture says they mean.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from proxyctl.core.chat import (
    Answer,
    ChatRequest,
    ImagePart,
    Message,
    Part,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.dialects.history import repaired
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.dialects.traits import ModelTraits
from tests.dialects.carried import CONTEXT, all_cases, dialect_of, failure_story, translated
from tests.dialects.wire_cases import documents, expected

FINISH = {"length": "MAX_TOKENS", "context_window": "MAX_TOKENS", "refusal": "SAFETY"}
Shown = dict[str, Any]


def shown(answers: list[types.GenerateContentResponse]) -> Shown:
    """What a client makes of these answers, in order."""
    parts = [part for one in answers for part in _parts(one)]
    calls = [part.function_call for part in parts if part.function_call is not None]
    last = answers[-1].candidates or [types.Candidate()]
    return {
        "text": "".join(part.text or "" for part in parts if not part.thought),
        "thoughts": "".join(part.text or "" for part in parts if part.thought),
        "calls": [(call.id, call.name, call.args) for call in calls],
        "finish": last[0].finish_reason.value if last[0].finish_reason else None,
        "proofs": sum(1 for part in parts if part.thought_signature),
        "models": {one.model_version for one in answers},
    }


def _parts(answer: types.GenerateContentResponse) -> list[types.Part]:
    candidate = (answer.candidates or [types.Candidate()])[0]
    return list(candidate.content.parts or ()) if candidate.content is not None else []


def meant(answer: Answer) -> Shown:
    """The first call bears a mark where nobody proved it: by it the gateway knows who did not make it."""
    calls = [part for part in answer.parts if isinstance(part, ToolCallPart)]
    proven = [part for part in answer.parts if getattr(part, "signature", None) or getattr(part, "redacted", None)]
    return {
        "text": "".join(part.text for part in answer.parts if isinstance(part, (TextPart, RefusalPart))),
        "thoughts": "".join(part.text for part in answer.parts if isinstance(part, ThinkingPart)),
        "calls": [(call.id, call.name, json.loads(call.arguments)) for call in calls],
        "finish": FINISH.get(answer.finish, "STOP"),
        "proofs": len(proven) + sum(call.signature is None for call in calls[:1]),
        "models": {answer.model or CONTEXT.model},
    }


@pytest.mark.parametrize("folder", all_cases("stream.sse"))
def test_a_stream_is_told_whole(folder: Path) -> None:
    one = translated(dialect_of(folder), "gemini-generate", (folder / "stream.sse").read_bytes())

    assert one.problem is None
    answers = [types.GenerateContentResponse.model_validate(document) for document in documents(one.sent)]
    assert shown(answers) == meant(expected(folder))
    assert sum(one.usage_metadata is not None for one in answers) == 1
    assert all(not (answer.candidates or [types.Candidate()])[0].finish_reason for answer in answers[:-1])


@pytest.mark.parametrize("folder", all_cases("answer.json"))
def test_a_whole_answer_is_told_as_its_stream_is(folder: Path) -> None:
    upstream = UPSTREAM[dialect_of(folder)]
    answer = upstream.decode_answer((folder / "answer.json").read_bytes())

    document = json.loads(GEMINI_GENERATE.encode_answer(answer, CONTEXT, Losses()))

    read = types.GenerateContentResponse.model_validate(document)
    assert shown([read]) == meant(expected(folder))
    usage = expected(folder).usage
    if usage is not None:
        assert document["usageMetadata"]["totalTokenCount"] == usage.total


@pytest.mark.parametrize("folder", all_cases("failed.sse"))
def test_a_broken_stream_never_looks_complete(folder: Path) -> None:
    one = translated(dialect_of(folder), "gemini-generate", (folder / "failed.sse").read_bytes())

    assert not one.complete
    assert b"finishReason" not in one.sent
    text = "".join(part.text for part in failure_story(folder).parts if isinstance(part, TextPart))
    answers = [types.GenerateContentResponse.model_validate(document) for document in documents(one.sent)]
    assert not answers or shown(answers)["text"] == text


@pytest.mark.parametrize("folder", all_cases("stream.sse"))
def test_thoughts_that_nobody_asked_for_keep_only_their_proofs(folder: Path) -> None:
    context = replace(CONTEXT, show_thinking=False)

    one = translated(dialect_of(folder), "gemini-generate", (folder / "stream.sse").read_bytes(), context=context)

    answers = [types.GenerateContentResponse.model_validate(document) for document in documents(one.sent)]
    assert shown(answers) == meant(expected(folder)) | {"thoughts": ""}


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
TRAITS = ModelTraits(tool_call_ids=True, mid_system=False, signatures_required=False)
PROOF = Signature("AQ==", "gemini-generate")


@st.composite
def conversations(draw: st.DrawFn) -> ChatRequest:
    messages: list[Message] = []
    for turn in range(draw(st.integers(0, 3))):
        asked: list[Part] = [TextPart(text=draw(WORDS))]
        if draw(st.booleans()):
            asked.append(ImagePart(media_type="image/png", data="AA=="))
        messages.append(Message("user", tuple(asked)))
        calls = [
            ToolCallPart(
                id=f"c{turn}{number}", name="get", arguments='{"k":1}', signature=PROOF if number == 0 else None
            )
            for number in range(draw(st.integers(0, 2)))
        ]
        said: list[Part] = [TextPart(text=draw(WORDS)), *calls]
        if draw(st.booleans()):
            said.insert(0, ThinkingPart(text=draw(WORDS), signature=PROOF))
        messages.append(Message("assistant", tuple(said)))
        if calls:
            results = [
                ToolResultPart(
                    call_id=call.id, name="get", parts=(TextPart(text=draw(WORDS)),), is_error=draw(st.booleans())
                )
                for call in calls
            ]
            messages += [Message("user", tuple(results)), Message("assistant", (TextPart(text=draw(WORDS)),))]
    messages.append(Message("user", (TextPart(text=draw(WORDS)),)))
    return ChatRequest(
        model="",
        messages=tuple(messages),
        system=tuple(TextPart(text=word) for word in draw(st.lists(WORDS, max_size=2))),
        tools=(Tool(name="get", description="d", schema={"type": "object", "properties": {"k": {"type": "integer"}}}),),
        tool_choice=draw(st.sampled_from([None, ToolChoice("auto"), ToolChoice("any"), ToolChoice("tool", "get")])),
        max_output=draw(st.integers(1, 5000)),
        stop=tuple(draw(st.lists(WORDS, max_size=2))),
        temperature=draw(st.sampled_from([None, 0.0, 0.5])),
        include_usage=True,
    )


@settings(deadline=None, max_examples=60)
@given(conversations())
def test_a_request_that_is_written_and_read_again_is_the_same(request: ChatRequest) -> None:
    body = encode_json(GEMINI_GENERATE.encode_request(request, TRAITS, Losses()))

    again = GEMINI_GENERATE.decode_request(body)

    assert repaired(again.messages, Losses()) == repaired(request.messages, Losses())
    assert replace(again, messages=()) == replace(request, messages=())
    assert encode_json(GEMINI_GENERATE.encode_request(again, TRAITS, Losses())) == body


KEYS = re.findall(
    r"\w+",
    """
    contents parts text role functionCall function_call args tools inlineData functionResponse response thought name
    generationConfig systemInstruction x
    """,
)


@settings(deadline=None, max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_is_a_request_or_a_refusal(document: Any) -> None:
    for body in (document, {"contents": document}, {"contents": [{"parts": [document]}]}):
        try:
            request = GEMINI_GENERATE.decode_request(encode_json(body))
        except (DecodeError, UnsupportedError):
            continue
        assert request.messages
