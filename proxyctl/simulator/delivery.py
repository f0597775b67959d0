"""Put a reply on the wire, at the pace asked for, with the planned fault.

Everything a provider can do wrong below its JSON lives here: resets, silence, early ends, odd line ends, split
characters. Plain answers without a fault are sent at once; streams run in a task of their own connection.
"""

import gzip
from collections.abc import Coroutine

from proxyctl.simulator.faults import Fault
from proxyctl.simulator.http_server import Connection
from proxyctl.simulator.ledger import Ledger, Received
from proxyctl.simulator.provider import SimulatedProvider
from proxyctl.simulator.reply import EVENT_STREAM, JSON_TYPE, Reply

_PAGE = b"<!doctype html><html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>\n"
_GARBAGE = b'\x00\xff{"this is": not JSON'
_SPLIT_PAUSE = 0.01  # seconds between the two halves of a character, so that they travel apart


def deliver(
    connection: Connection, entry: Received, reply: Reply, fault: Fault | None, delay: float, ledger: Ledger
) -> Coroutine[None, None, None] | None:
    """Send at once when nothing has to be waited for; otherwise the coroutine that sends.

    Usage is booked for answers that were sent whole; a client of any other cannot know it.
    """
    if fault is None and reply.frames is None:
        entry.status = reply.status
        entry.finished = True
        ledger.report_usage(entry, reply.tally)
        connection.send(reply.status, reply.headers, reply.body)
        return None
    return _watched(connection, entry, reply, fault, delay, ledger)


async def never_answer(connection: Connection, entry: Received, fault: Fault, provider: SimulatedProvider) -> None:
    """The faults that replace the answer as a whole."""
    match fault.kind:
        case "reset":
            connection.reset()
        case "silence":
            entry.client_closed_early = await connection.lost_within(fault.seconds)
            connection.close()
        case "status":
            reply = provider.failure(fault.status, fault.message, fault)
            entry.status = reply.status
            entry.finished = True
            connection.send(reply.status, reply.headers, reply.body)
        case "html":
            entry.status = 200
            connection.send(200, (("content-type", "text/html; charset=utf-8"),), _PAGE)
        case _:
            entry.status = 200
            connection.send(200, (JSON_TYPE,), _GARBAGE)


_WITHOUT_USAGE = frozenset({"missing_terminator", "error_in_200", "malformed_frame"})
REPLACING = frozenset({"reset", "silence", "status", "html", "garbage"})


async def _watched(
    connection: Connection, entry: Received, reply: Reply, fault: Fault | None, delay: float, ledger: Ledger
) -> None:
    try:
        if fault is not None and fault.kind == "slow_first" and await connection.lost_within(fault.seconds or 0):
            return
        entry.status = reply.status
        if reply.frames is None:
            whole = await _send_whole(connection, entry, reply, fault)
        else:
            whole = await _send_frames(connection, entry, reply, fault, delay)
        if whole and (fault is None or fault.kind not in _WITHOUT_USAGE):
            ledger.report_usage(entry, reply.tally)
    finally:
        entry.client_closed_early = connection.lost and not entry.finished


async def _send_whole(connection: Connection, entry: Received, reply: Reply, fault: Fault | None) -> bool:
    """Send a plain answer; True when all of it was sent."""
    kind = fault.kind if fault is not None else None
    half = len(reply.body) // 2
    if kind in {"cut", "stall"}:
        connection.begin_sized(reply.status, reply.headers, len(reply.body))
        connection.raw(reply.body[:half])
        if not await _keeps_going(connection, entry, fault):
            return False
        entry.finished = True
        connection.raw(reply.body[half:])
        connection.close()
        return True
    entry.finished = True
    if kind == "malformed_frame":
        connection.send(reply.status, reply.headers, reply.body[:half])
    elif kind == "gzip" and "gzip" in entry.headers.get("accept-encoding", ""):
        headers = (*reply.headers, ("content-encoding", "gzip"))
        connection.send(reply.status, headers, gzip.compress(reply.body, mtime=0))
    else:
        connection.send(reply.status, reply.headers, reply.body)
    return True


async def _send_frames(
    connection: Connection, entry: Received, reply: Reply, fault: Fault | None, delay: float
) -> bool:
    """Stream; True when the body ended as a body should."""
    frames = reply.frames or ()
    kind = fault.kind if fault is not None else None
    if kind == "missing_terminator":
        frames = frames[: len(frames) - reply.terminator]
    stop_at = min(fault.after_frames, len(frames)) if fault is not None and kind in {"cut", "stall"} else None
    entry.streamed = True
    connection.begin(reply.status, reply.headers)
    for index, frame in enumerate(frames):
        if index == stop_at and not await _keeps_going(connection, entry, fault):
            return False
        if index and delay and await connection.lost_within(delay):
            return False
        await _send_frame(connection, frame, kind)
        if connection.lost:
            return False
        entry.frames_sent += 1
    if stop_at == len(frames) and not await _keeps_going(connection, entry, fault):
        return False
    entry.finished = True
    connection.finish()
    return True


async def _send_frame(connection: Connection, frame: bytes, kind: str | None) -> None:
    if kind == "crlf":
        frame = frame.replace(b"\n", b"\r\n")
    elif kind == "comments":
        frame = b": keep-alive\n\n" + frame
    elif kind == "split_utf8" and (at := _inside_character(frame)) is not None:
        connection.chunk(frame[:at])
        await connection.lost_within(_SPLIT_PAUSE)
        frame = frame[at:]
    connection.chunk(frame)
    await connection.drain()


async def _keeps_going(connection: Connection, entry: Received, fault: Fault | None) -> bool:
    """Stall or cut; True when the stream goes on after a stall that had an end."""
    if fault is not None and fault.kind == "stall":
        return not await connection.lost_within(fault.seconds)
    entry.finished = True
    connection.close()
    return False


def _error_frame(reply: Reply, fault: Fault, provider: SimulatedProvider, number: int) -> bytes:
    if reply.error_frame is None:
        return provider.error_frame(fault)
    return reply.error_frame(provider.failure(fault.status, fault.message, fault).body, number)


def _inside_character(frame: bytes) -> int | None:
    """An offset between the bytes of one character, None for pure ASCII."""
    return next((at + 1 for at, byte in enumerate(frame) if byte >= 0xC0), None)


def with_stream_fault(reply: Reply, fault: Fault | None, provider: SimulatedProvider) -> Reply:
    """The reply with a broken or an error frame put in, for faults that change what is said."""
    if fault is None or fault.kind not in {"malformed_frame", "error_in_200"}:
        return reply
    if reply.frames is None:
        if fault.kind == "malformed_frame":
            return reply
        failure = provider.failure(fault.status, fault.message, fault)
        return Reply(status=200, headers=reply.headers, body=failure.body)
    before, after = reply.frames[: fault.after_frames], reply.frames[fault.after_frames :]
    if fault.kind == "malformed_frame":
        frames = (*before, provider.broken_frame(), *after)
    else:
        frames = (*before, _error_frame(reply, fault, provider, len(before)))
    return Reply(
        status=200,
        headers=EVENT_STREAM,
        frames=frames,
        terminator=reply.terminator,
        tally=reply.tally,
        model=reply.model,
    )
