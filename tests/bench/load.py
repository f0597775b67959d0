"""A cheap load generator: so many connections, each one request after the other, a fixed number in all.

It runs in a process of its own (`python -m tests.bench.load`, one JSON line out), lest its cost be taken for a proxy's.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from typing import cast

import httptools
import uvloop
from typing_extensions import override

TIMEOUT = 120.0


class _Connection(asyncio.Protocol):
    """Sends the next request when an answer is complete."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._tail = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._tail = (self._tail + body)[-200:]

    def on_message_complete(self) -> None:
        self._run.done(time.perf_counter() - self._begun, self._parser.get_status_code(), self._tail)
        self._parser = httptools.HttpResponseParser(self)
        self._send()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._run.lost(exc)

    def _send(self) -> None:
        self._tail = b""
        self._begun = time.perf_counter()
        if self._run.take():
            self._transport.write(self._run.request)
        else:
            self._transport.close()


class Run:
    """One run: `answered` counts whole answers of status 200 that end as they should."""

    def __init__(self, request: bytes, count: int, ending: bytes) -> None:
        self.request = request
        self.left = count
        self.answered = 0
        self.seconds: list[float] = []
        self.faults: list[str] = []
        self._ending = ending
        self._open = 0
        self._finished = asyncio.Event()

    async def go(self, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        self._open = connections
        for _ in range(connections):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
        await asyncio.wait_for(self._finished.wait(), TIMEOUT)

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def done(self, seconds: float, status: int, tail: bytes) -> None:
        if status == 200 and tail.rstrip().endswith(self._ending):
            self.answered += 1
            self.seconds.append(seconds)
        else:
            self.faults.append(f"{status}: {tail!r}")

    def lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.faults.append(repr(exc))
        self._open -= 1
        if not self._open:
            self._finished.set()


async def _main(port: int, connections: int, count: int, path: str, body: str, ending: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()
    run = Run(request, count, ending.encode())
    await run.go(port, connections)
    result = {
        "answered": run.answered,
        "median_ms": statistics.median(run.seconds) * 1000 if run.seconds else None,
        "faults": run.faults[:3],
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    port, connections, count = map(int, sys.argv[1:4])
    uvloop.run(_main(port, connections, count, *sys.argv[4:7]))
