"""A provider that costs nothing: canned answers over httptools, so that the proxies are what is measured.

`python -m tests.bench.upstream` prints its port. It speaks OpenAI's chat and Anthropic's messages, whole and streamed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import cast

import httptools
import uvloop
from typing_extensions import override

FRAMES = 500
FRAMES_A_WRITE = 1

PACED = "slowly"
"""A request that holds this word has `PACED_FRAMES` streamed to it with `PAUSE` seconds between them."""
PACED_FRAMES = 100
PAUSE = 0.004

WORDS = "word and "
_CHAT = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1,
    "model": "bench",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there, how can I help you today?", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21},
}
_MESSAGE = {
    "id": "msg_bench",
    "type": "message",
    "role": "assistant",
    "model": "bench",
    "content": [{"type": "text", "text": "Hello there, how can I help you today?"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 12, "output_tokens": 9},
}


def _whole(value: object) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _chat_frames(count: int) -> list[bytes]:
    def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        value = {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "bench",
            "choices": [choice],
        }
        return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"

    usage = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench", "choices": []}
    tokens = {"prompt_tokens": 12, "completion_tokens": count, "total_tokens": 12 + count}
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": WORDS}) for _ in range(count)),
        chunk({}, "stop"),
        b"data: " + json.dumps({**usage, "usage": tokens}, separators=(",", ":")).encode() + b"\n\n",
        b"data: [DONE]\n\n",
    ]


def _message_frames(count: int) -> list[bytes]:
    def event(name: str, **fields: object) -> bytes:
        data = json.dumps({"type": name, **fields}, separators=(",", ":"))
        return f"event: {name}\ndata: {data}\n\n".encode()

    start = {**_MESSAGE, "content": [], "stop_reason": None, "usage": {"input_tokens": 12, "output_tokens": 1}}
    return [
        event("message_start", message=start),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(event("content_block_delta", index=0, delta={"type": "text_delta", "text": WORDS}) for _ in range(count)),
        event("content_block_stop", index=0),
        event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": count},
        ),
        event("message_stop"),
    ]


def _writes(frames: list[bytes]) -> list[bytes]:
    """The chunks of a streamed body, as a provider would flush them: a few frames at a time."""
    pieces = [b"".join(frames[at : at + FRAMES_A_WRITE]) for at in range(0, len(frames), FRAMES_A_WRITE)]
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]


_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_WHOLE = {False: _whole(_CHAT), True: _whole(_MESSAGE)}
_STREAM = {False: _writes(_chat_frames(FRAMES)), True: _writes(_message_frames(FRAMES))}
_PACED = {False: _writes(_chat_frames(PACED_FRAMES)), True: _writes(_message_frames(PACED_FRAMES))}


class _Connection(asyncio.Protocol):
    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.parser = httptools.HttpRequestParser(self)
        self.loop = asyncio.get_running_loop()

    @override
    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.target = b""
        self.body = b""

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        is_messages = b"/messages" in self.target
        if b'"stream":true' not in self.body.replace(b" ", b""):
            self.transport.write(_WHOLE[is_messages])
            return
        self.transport.write(_STREAM_HEAD)
        if PACED.encode() in self.body:
            self._next(iter(_PACED[is_messages]), PAUSE)
        else:
            self._next(iter(_STREAM[is_messages]), 0)

    def _next(self, writes: Iterator[bytes], pause: float) -> None:
        piece = next(writes, None)
        if piece is None or self.transport.is_closing():
            return
        self.transport.write(piece)
        if pause:
            self.loop.call_later(pause, self._next, writes, pause)
        else:
            self.loop.call_soon(self._next, writes, pause)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
