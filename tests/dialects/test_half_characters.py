"""A frame whose text ends in half a character is read whatever else stands in it."""

from __future__ import annotations

import pytest

from proxyctl.core.chat import Citation, TextPart
from proxyctl.core.events import Event
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.registry import UPSTREAM
from tests.dialects.wire_cases import decoded


def _frames(*events: str) -> bytes:
    return b"".join(b"data: " + event.encode() + b"\n\n" for event in events)


@pytest.mark.parametrize("annotations", ["null", "[]"])
def test_chat(annotations: str) -> None:
    told = decoded(
        UPSTREAM["openai-chat"],
        _frames(
            '{"choices":[{"index":0,"delta":{"content":"a\\ud83d","annotations":' + annotations + "}}]}",
            '{"choices":[{"index":0,"delta":{"content":"\\ude00"},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
    )

    assert assemble(told).parts == (TextPart(text="a😀"),)


def test_responses() -> None:
    content = '{"type":"output_text","text":"a\\ud83d","annotations":[]}'
    item = '{"type":"message","id":"msg_1","role":"assistant","content":[' + content + "]}"
    response = '{"id":"resp_1","status":"completed","error":null,"output":[' + item + "]}"
    told = decoded(
        UPSTREAM["openai-responses"],
        _frames(
            '{"type":"response.created","response":{"id":"resp_1","status":"in_progress","output":[]}}',
            '{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a\\ud83d"}',
            '{"type":"response.output_item.done","output_index":0,"item":' + item + "}",
            '{"type":"response.completed","response":' + response + "}",
        ),
    )

    assert assemble(told).parts == (TextPart(text="a\ufffd"),)


def test_anthropics_sources() -> None:
    location = '{"type":"web_search_result_location","url":"https://a.example","title":"A","cited_text":"b\\ud83d"}'
    told = decoded(
        UPSTREAM["anthropic-messages"],
        _frames(
            '{"type":"message_start","message":{"id":"m","model":"claude"}}',
            '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":[]}}',
            '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}',
            '{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":' + location + "}}",
            '{"type":"content_block_stop","index":0}',
            '{"type":"message_delta","delta":{"stop_reason":"end_turn"}}',
            '{"type":"message_stop"}',
        ),
    )

    assert [(one.url, one.cited_text) for one in _citations(told)] == [("https://a.example", "b\ufffd")]


def test_coheres_sources() -> None:
    citation = '{"start":0,"end":2,"text":"Hi\\ud83d","sources":[{"document":{"url":"https://a.example"}}]}'
    told = decoded(
        UPSTREAM["cohere-chat"],
        _frames(
            '{"type":"message-start","id":"1","delta":{"message":{"role":"assistant"}}}',
            '{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":"Hi"}}}}',
            '{"type":"citation-start","index":0,"delta":{"message":{"citations":' + citation + "}}}",
            '{"type":"content-end","index":0}',
            '{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}',
        ),
    )

    assert [(one.url, one.start, one.end) for one in _citations(told)] == [("https://a.example", 0, 2)]


def _citations(told: list[Event]) -> list[Citation]:
    return [citation for part in assemble(told).parts if isinstance(part, TextPart) for citation in part.citations]
