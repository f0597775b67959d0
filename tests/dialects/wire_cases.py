"""Read the fixtures under tests/wire: what providers document, and what it means."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from proxyctl.core.chat import Answer
from proxyctl.core.events import Delta, Event, EventChecker, StreamFailed
from proxyctl.dialects.base import Fields, InboundDialect, StreamEncoder, UpstreamDialect, Watch
from proxyctl.dialects.sse import FrameSplitter, frame_data

WIRE = Path(__file__).parent.parent / "wire"


def cases(dialect: str, file: str) -> list[pytest.ParameterSet]:
    """The folder of each case that has this file, as test parameters named after it."""
    found = sorted(path.parent for path in (WIRE / dialect).glob(f"*/{file}"))
    assert found
    return [pytest.param(folder, id=folder.name) for folder in found]


def expected(folder: Path) -> Answer:
    return msgspec.json.decode((folder / "expected.json").read_bytes(), type=Answer)


def frames(wire: bytes, seed: int | None = None) -> Iterator[bytes]:
    """The frames of a stream, cut at random when a seed is given."""
    splitter = FrameSplitter()
    for piece in pieces(wire, seed):
        yield from splitter.feed(piece)
    yield from splitter.flush()


def pieces(wire: bytes, seed: int | None) -> Iterator[bytes]:
    if seed is None:
        yield wire
        return
    draw = random.Random(seed)  # noqa: S311 - where a test cuts is no secret
    position = 0
    while position < len(wire):
        size = draw.randint(1, 40)
        yield wire[position : position + size]
        position += size


def decoded(dialect: UpstreamDialect, wire: bytes, seed: int | None = None) -> list[Event]:
    """The events of a stream, checked against the grammar of events."""
    decoder = dialect.stream_decoder()
    events: list[Event] = []
    for frame in frames(wire, seed):
        data = frame_data(frame)
        if data is not None:
            events += decoder.feed(data)
    events += decoder.end()
    return checked(events)


def checked(events: Iterable[Event]) -> list[Event]:
    checker = EventChecker()
    kept = list(events)
    for event in kept:
        checker.feed(event)
    checker.finish()
    return kept


def merged(events: Iterable[Event]) -> list[Event]:
    """The same events with neighbouring deltas of one part joined, for comparing streams that are cut differently."""
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, Delta) and isinstance(last, Delta) and last.index == event.index:
            joined[-1] = Delta(event.index, last.text + event.text)
        else:
            joined.append(event)
    return joined


def watched(watch: Watch, wire: bytes) -> bytes:
    """Let a stream pass a watch; returns what may be handed on."""
    return b"".join(frame for frame in frames(wire) if watch.feed(frame))


def encoded(encoder: StreamEncoder, events: Iterable[Event]) -> bytes:
    return b"".join([*(encoder.feed(event) for event in events), encoder.end()])


def documents(wire: bytes) -> list[Fields]:
    """The JSON of each frame but `[DONE]`."""
    found = []
    for frame in frames(wire):
        data = frame_data(frame)
        if data is not None and data != b"[DONE]":
            found.append(msgspec.json.decode(data))
    return found


def failure(events: list[Event]) -> StreamFailed:
    assert isinstance(events[-1], StreamFailed)
    return events[-1]


def agree(dialect: InboundDialect, wire: bytes, answer: Answer) -> None:
    """What the watch of the passthrough lane learns is what the translate lane decodes."""
    watch = dialect.watch(hide_usage=False)
    watched(watch, wire)
    assert watch.started
    assert watch.complete
    assert watch.problem is None
    assert (watch.finish, watch.usage, watch.model) == (answer.finish, answer.usage, answer.model)
