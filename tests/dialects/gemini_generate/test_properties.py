"""What holds for every answer: no chunking, no split into frames and no garbage changes its meaning."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyctl.core.chat import Answer
from proxyctl.core.errors import DecodeError, UpstreamError
from proxyctl.core.events import Event, EventChecker, StreamFailed
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.dialects.sse import FrameSplitter, frame, frame_data

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
ARGUMENTS = st.dictionaries(TEXT, st.integers() | TEXT | st.none() | st.lists(st.integers(), max_size=3), max_size=3)
PARTS = st.lists(
    st.one_of(
        st.builds(lambda text: {"text": text}, TEXT),
        st.builds(lambda text: {"text": text, "thought": True}, TEXT),
        st.builds(lambda text: {"text": text, "thoughtSignature": "YQ=="}, TEXT),
        st.builds(lambda args: {"functionCall": {"name": "get", "args": args}}, ARGUMENTS),
        st.builds(
            lambda args: {"functionCall": {"name": "put", "args": args, "id": "c"}, "thoughtSignature": "Yg=="},
            ARGUMENTS,
        ),
    ),
    max_size=8,
)
REASONS = st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL", "OTHER"])


def checked(frames: list[bytes]) -> list[Event]:
    decoder = GEMINI_GENERATE.stream_decoder()
    events = [event for data in frames for event in decoder.feed(data)]
    events += decoder.end()
    checker = EventChecker()
    for event in events:
        checker.feed(event)
    checker.finish()
    return events


def response(parts: list[dict[str, Any]], finish: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "gemini-3.8-flash", "responseId": "r"}


def streamed(parts: list[dict[str, Any]], reason: str) -> list[bytes]:
    documents = [response([part], None) for part in parts] + [response([{"text": ""}], reason)]
    for document in documents:
        types.GenerateContentResponse.model_validate(document)
    return [json.dumps(document).encode() for document in documents]


def whole(parts: list[dict[str, Any]], reason: str) -> Answer | None:
    """The answer without streaming, `None` when it is told as a failure."""
    try:
        return GEMINI_GENERATE.decode_answer(json.dumps(response(parts, reason)).encode())
    except UpstreamError:
        return None


@given(PARTS, REASONS)
@settings(max_examples=150)
def test_streamed_equals_not_streamed(parts: list[dict[str, Any]], reason: str) -> None:
    events = checked(streamed(parts, reason))

    answer = whole(parts, reason)
    assert (None if isinstance(events[-1], StreamFailed) else assemble(events)) == answer


@given(PARTS, st.lists(st.integers(1, 40), min_size=1, max_size=20))
@settings(max_examples=80)
def test_the_network_cuts_where_it_likes(parts: list[dict[str, Any]], cuts: list[int]) -> None:
    frames = streamed(parts, "STOP")
    wire = b"".join(frame(data) for data in frames)
    splitter, position, pieces = FrameSplitter(), 0, []
    for index in range(len(wire)):
        size = cuts[index % len(cuts)]
        pieces.append(wire[position : position + size])
        position += size
    split = [part for piece in pieces for part in splitter.feed(piece)] + splitter.flush()

    assert checked([data for part in split if (data := frame_data(part)) is not None]) == checked(frames)


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_no_bytes_make_a_stream_raise(frames: list[bytes]) -> None:
    checked(frames)


MEMBERS = """candidates content parts text thought functionCall name args finishReason usageMetadata promptTokenCount
promptFeedback blockReason error inlineData thoughtSignature index"""
SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS.split()), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(SCRAPS, max_size=3))
def test_no_json_makes_a_stream_raise(documents: list[Any]) -> None:
    checked([json.dumps(document).encode() for document in documents])


@given(SCRAPS)
def test_no_json_makes_an_answer_fail_in_an_undeclared_way(document: Any) -> None:
    with contextlib.suppress(DecodeError, UpstreamError):
        assert isinstance(GEMINI_GENERATE.decode_answer(json.dumps(document).encode()), Answer)
