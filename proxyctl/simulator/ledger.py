"""What the simulator saw and said: one entry a request, and the sums of the usage that it reported.

It is the other side's account, against which a gateway's own numbers are checked. Entries are bounded, by number and by
the bytes of their bodies; sums are not.
"""

from collections import deque

import msgspec

from proxyctl.simulator.tokens import Tally

DEFAULT_CAPACITY = 2000
DEFAULT_BYTES = 64 * 1024 * 1024


class Received(msgspec.Struct):
    """One request. `path` is below the provider's own segment, query included.

    `body` is raw bytes (base64 in JSON); `status` is None while nothing was answered.
    `client_closed_early`: the client left before the answer was complete. `finished`: the answer was sent as planned.
    """

    number: int
    provider: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    model: str | None = None
    status: int | None = None
    streamed: bool = False
    frames_sent: int = 0
    fault: str | None = None
    client_closed_early: bool = False
    finished: bool = False
    usage: Tally | None = None


class Total(msgspec.Struct):
    """Sums for one provider and model. `requests` counts generation requests that carried an answer's usage."""

    requests: int = 0
    prompt: int = 0
    cached: int = 0
    output: int = 0
    thinking: int = 0

    def add(self, tally: Tally) -> None:
        self.requests += 1
        self.prompt += tally.prompt
        self.cached += tally.cached
        self.output += tally.output
        self.thinking += tally.thinking


class Ledger:
    def __init__(self, capacity: int = DEFAULT_CAPACITY, most_bytes: int = DEFAULT_BYTES) -> None:
        self.entries: deque[Received] = deque()
        self._capacity = capacity
        self._most_bytes = most_bytes
        self._bytes = 0
        self.totals: dict[str, dict[str, Total]] = {}
        self.received = 0

    def open(self, provider: str, method: str, path: str, headers: dict[str, str], body: bytes) -> Received:
        self.received += 1
        entry = Received(self.received, provider, method, path, headers, body)
        self.entries.append(entry)
        self._bytes += len(body)
        while len(self.entries) > self._capacity or (self._bytes > self._most_bytes and len(self.entries) > 1):
            self._bytes -= len(self.entries.popleft().body)
        return entry

    def report_usage(self, entry: Received, tally: Tally | None) -> None:
        """Book the usage that the provider told its client, if the answer had any."""
        if tally is None or entry.model is None:
            return
        entry.usage = tally
        self.totals.setdefault(entry.provider, {}).setdefault(entry.model, Total()).add(tally)

    def clear(self) -> None:
        self.entries.clear()
        self._bytes = 0
        self.totals.clear()
        self.received = 0
