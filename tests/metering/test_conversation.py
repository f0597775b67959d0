"""An estimate of a prompt: every part of it counts, and nothing counts twice."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.chat import (
    AudioPart,
    ChatRequest,
    DocumentPart,
    ImagePart,
    JsonFormat,
    Message,
    OpaquePart,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
)
from proxyctl.metering.conversation import estimate_conversation, estimate_text

TEXT = TextPart(text="x" * 40)


def ask(*parts: Any, **more: Any) -> ChatRequest:
    return ChatRequest(model="m", messages=(Message("user", parts),), **more)


def test_text_is_counted_by_its_letters_and_a_message_by_its_envelope() -> None:
    assert estimate_conversation(ask(TEXT)) == 10 + 4


def test_a_wide_script_has_more_tokens_a_letter() -> None:
    assert estimate_conversation(ask(TextPart(text="語" * 40))) > estimate_conversation(ask(TEXT))


@pytest.mark.parametrize(
    "part",
    [
        ThinkingPart(text="x" * 40),
        ImagePart(url="https://example.com/a.png"),
        DocumentPart(data="A" * 100, media_type="application/pdf"),
        DocumentPart(text="x" * 40),
        AudioPart(media_type="audio/wav", data="A" * 4000),
        VideoPart(media_type="video/mp4", url="https://example.com/a.mp4"),
        ToolCallPart(id="1", name="get", arguments='{"a":1}'),
        ToolResultPart(call_id="1", parts=(TEXT,)),
        OpaquePart(dialect="openai-chat", label="x", raw=b"x" * 40),
    ],
)
def test_each_kind_of_part_counts(part: Any) -> None:
    assert estimate_conversation(ask(TEXT, part)) > estimate_conversation(ask(TEXT))


@pytest.mark.parametrize(
    "more",
    [
        {"system": (TEXT,)},
        {"tools": (Tool(name="get", description="it", schema={"type": "object"}),)},
        {"format": JsonFormat(schema={"type": "object"})},
    ],
)
def test_what_stands_beside_the_messages_counts(more: dict[str, Any]) -> None:
    assert estimate_conversation(ask(TEXT, **more)) > estimate_conversation(ask(TEXT))


def test_an_images_data_is_not_counted_as_text() -> None:
    small, large = (ImagePart(media_type="image/png", data="A" * size) for size in (100, 1_000_000))

    assert estimate_conversation(ask(small)) == estimate_conversation(ask(large))


def test_a_larger_document_counts_more() -> None:
    small, large = (DocumentPart(data="A" * size, media_type="application/pdf") for size in (100, 1_000_000))

    assert estimate_conversation(ask(small)) < estimate_conversation(ask(large))


def test_a_scale_is_for_the_text_and_not_for_media() -> None:
    picture = ImagePart(media_type="image/png", data="A" * 100)
    text, both = ask(TEXT), ask(TEXT, picture)
    media = estimate_conversation(both) - estimate_conversation(text)

    assert estimate_conversation(text, 2.0) == 2 * estimate_conversation(text)
    assert estimate_conversation(both, 2.0) == 2 * estimate_conversation(text) + media


@pytest.mark.parametrize("part", [ImagePart(url="https://example.com/a.png"), AudioPart(media_type="a/b", data="AA")])
def test_only_text_can_be_compared(part: Any) -> None:
    assert estimate_text(ask(TEXT)) == estimate_conversation(ask(TEXT))
    assert estimate_text(ask(TEXT, part)) is None
    assert estimate_text(ask(ToolResultPart(call_id="1", parts=(TEXT, part)))) is None


def test_a_schema_that_is_too_deep_to_be_written_is_no_fault() -> None:
    """A reader further out on the stack may have taken it."""
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"items": deep}

    estimated = estimate_conversation(ask(TEXT, tools=(Tool(name="get", description="it", schema=deep),)))

    assert estimated > estimate_conversation(ask(TEXT))
    while deep:
        deep = deep.pop("items")  # taken apart from without: nothing may recurse here either
