"""What crosses the socket to an SDK, kept as it comes: the grammar checkers judge bytes that no SDK has read for them.

The SDK is asked once; a stream that it leaves at its own idea of an end is read on to the real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
from typing_extensions import override


@dataclass(frozen=True)
class Answered:
    """One answer of the daemon. `body` grows while it is read."""

    status: int
    headers: httpx2.Headers
    body: bytearray

    @property
    def exchange(self) -> str:
        return self.headers["x-proxyctl-request-id"]

    @property
    def streamed(self) -> bool:
        return self.headers["content-type"].startswith("text/event-stream")


class Recorder(httpx2.HTTPTransport):
    """An SDK's transport. `answers` are in the order in which they began."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answered] = []

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        assert "content-encoding" not in response.headers, "the bytes could not be judged"
        answered = Answered(response.status_code, response.headers, bytearray())
        self.answers.append(answered)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Kept(response.stream, answered.body)
        return response

    def last(self) -> bytes:
        return bytes(self.answers[-1].body)


class _Kept(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, body: bytearray) -> None:
        self._stream = stream
        self._pieces = iter(stream)
        self._body = body

    @override
    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._body += piece
            yield piece

    @override
    def close(self) -> None:
        for piece in self._pieces:
            self._body += piece
        self._stream.close()
