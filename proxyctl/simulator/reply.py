"""What a simulated provider decided to answer, as a value: a whole body, or the frames of a stream.

Providers build replies without any I/O; `delivery.py` puts them on the wire, faults included.
"""

from collections.abc import Callable

import msgspec

from proxyctl.simulator.tokens import Tally

JSON_TYPE = ("content-type", "application/json")
EVENT_STREAM = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
_encoder = msgspec.json.Encoder()


class Reply(msgspec.Struct, frozen=True):
    """`frames` is None for a plain answer; otherwise `body` is unused.

    `terminator` counts the trailing frames that tell the client that the stream is complete. `error_frame` writes an
    error's body as the frame of that number, where the stream tells errors otherwise than the provider's others do.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    frames: tuple[bytes, ...] | None = None
    terminator: int = 1
    tally: Tally | None = None
    model: str | None = None
    error_frame: Callable[[bytes, int], bytes] | None = None


class RefusalError(Exception):
    """The request breaks a documented rule: the provider's own error answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status}: {reply.body[:200]!r}")
        self.reply = reply


def encode(value: object) -> bytes:
    """Compact JSON with raw UTF-8, as the providers write it."""
    return _encoder.encode(value)


def json_reply(
    value: object,
    *,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
    tally: Tally | None = None,
    model: str | None = None,
) -> Reply:
    return Reply(status=status, headers=(JSON_TYPE, *headers), body=encode(value), tally=tally, model=model)


def data_frame(value: object) -> bytes:
    """An SSE frame with a data line only."""
    return b"data: %b\n\n" % encode(value)


def event_frame(name: str, value: object) -> bytes:
    """An SSE frame with its event line."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode(value))


DONE_FRAME = b"data: [DONE]\n\n"
