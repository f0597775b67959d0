"""Split a server-sent event stream into frames, with no I/O of its own.

Both lanes read streams: the passthrough lane only watches them, the translate lane rewrites them. They share this
splitter so that "where does an event end" has one answer. It holds at most one unfinished frame, and works on bytes:
decoding text before splitting loses characters that the network cut in two, and `str.splitlines` cuts at U+2028.
Grammar: the WHATWG "server-sent events" section; line ends are LF, CRLF or CR.
"""

from __future__ import annotations

import re

_FRAME_END = re.compile(rb"\n\n|\r\n\r\n|\r\r|\n\r\n|\r\n\n")
_LINE_END = re.compile(rb"\r\n|\n|\r")

MAX_FRAME = 16 * 1024 * 1024


class FrameTooLargeError(ValueError):
    """A frame passed `limit` bytes without an end: a broken or hostile server."""


class FrameSplitter:
    """Feed it pieces of any size, get whole frames with their blank line, byte for byte."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._rest = b""
        self._searched = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the frames that this piece completes.

        Raises `FrameTooLargeError` when an unfinished frame passes the limit.
        """
        rest = self._rest + piece if self._rest else piece
        frames: list[bytes] = []
        start, search = 0, self._searched
        while True:
            end = _FRAME_END.search(rest, search)
            if end is None or (end.end() == len(rest) and rest.endswith(b"\r")):
                break  # a CR at the very end may be the first half of a CRLF
            frames.append(rest[start : end.end()])
            start = search = end.end()
        self._rest = rest[start:] if start else rest
        self._searched = max(0, len(self._rest) - 3)
        if len(self._rest) > self._limit:
            raise FrameTooLargeError(f"an event passed {self._limit} bytes without an end")
        return frames

    def flush(self) -> list[bytes]:
        """Return what is left as a last frame: servers forget the final blank line."""
        rest, self._rest, self._searched = self._rest, b"", 0
        return [rest] if rest.strip() else []


def frame_data(frame: bytes) -> bytes | None:
    """Return the frame's `data` lines joined by LF, `None` for a frame without any (a comment, a bare event name)."""
    if frame.startswith(b"data:") and frame.find(b"\n") == len(frame) - 2 and b"\r" not in frame:
        return frame[6:-2] if frame[5:6] == b" " else frame[5:-2]
    lines = []
    for line in _LINE_END.split(frame):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines) if lines else None


def frame(data: bytes, event: str | None = None) -> bytes:
    """Build one frame. `data` must be one line, as compact JSON is."""
    if event is None:
        return b"data: " + data + b"\n\n"
    return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
