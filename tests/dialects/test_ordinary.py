"""A chunk that is handed on without being split holds nothing that the frames, one by one, would have shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.base import InboundDialect
from proxyctl.dialects.openai_chat import OPENAI_CHAT


def chunk(*choices: dict[str, object], **more: object) -> bytes:
    value = {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": list(choices), **more}
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def choice(index: int = 0, finish: str | None = None, **delta: object) -> dict[str, object]:
    return {"index": index, "delta": delta, "finish_reason": finish}


def event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields}, separators=(',', ':'))}\n\n".encode()


TRICK = '"finish_reason":null "error" data: [DONE] \n\nevent: content_block_delta\n'
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CHAT = [
    chunk(choice(content="a")),
    chunk(choice(content=TRICK)),
    chunk(choice(content="a"), usage=None),
    chunk(choice(content="a"), usage=USAGE),
    chunk(choice(content="a"), choice(1, content="b")),
    chunk(choice(tool_calls=[CALL])),
    chunk(choice(finish="stop")),
    chunk(usage=USAGE),
    b'data: {"error":{"message":"no","type":"server_error"}}\n\n',
    b": keep-alive\n\n",
    b"data: {broken\n\n",
    b"data: [DONE]\n\n",
    b"data: [DONE]\r\n\r\n",
]
MESSAGES = [
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": TRICK}),
    event("content_block_start", index=1, content_block={"type": "tool_use", "id": "t", "name": "f", "input": {}}),
    event("content_block_stop", index=0),
    event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3}),
    event("message_stop"),
    event("error", error={"type": "overloaded_error", "message": "no"}),
    event("ping"),
    b"data: [DONE]\n\n",
]


@pytest.mark.parametrize(("dialect", "frames"), [(OPENAI_CHAT, CHAT), (ANTHROPIC_MESSAGES, MESSAGES)])
def test_what_is_called_ordinary_changes_nothing(dialect: InboundDialect, frames: list[bytes]) -> None:
    @given(st.lists(st.sampled_from(frames), min_size=1, max_size=6), st.booleans())
    def check(chosen: list[bytes], hide_usage: bool) -> None:
        at_once, one_by_one = dialect.watch(hide_usage=hide_usage), dialect.watch(hide_usage=hide_usage)
        for watch in (at_once, one_by_one):
            watch.feed(frames[0])

        count = at_once.ordinary(b"".join(chosen))
        if not count:
            return
        kept = [frame for frame in chosen if one_by_one.feed(frame)]

        assert kept == chosen
        assert count == len(chosen)
        for name in ("started", "complete", "finish", "usage", "problem"):
            assert getattr(at_once, name) == getattr(one_by_one, name)
        end = CHAT[6] if dialect is OPENAI_CHAT else MESSAGES[4]
        at_once.feed(end)
        one_by_one.feed(end)
        assert at_once.finish == one_by_one.finish

    check()


@pytest.mark.parametrize(("dialect", "frame"), [(OPENAI_CHAT, CHAT[0]), (ANTHROPIC_MESSAGES, MESSAGES[0])])
def test_plain_content_is_ordinary_once_it_has_begun(dialect: InboundDialect, frame: bytes) -> None:
    watch = dialect.watch(hide_usage=False)

    assert watch.ordinary(frame) == 0
    watch.feed(frame)
    assert watch.ordinary(frame * 3) == 3
    assert watch.ordinary(frame + frame[:-1]) == 0
