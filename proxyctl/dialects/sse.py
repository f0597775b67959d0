"""Split a server-sent event stream into frames, with no I/O of its own.

Both lanes read streams: the passthrough lane only watches them, the translate lane rewrites them. They share this
splitter so that "where does an event end" has one answer. It holds at most one unfinished frame, and works on bytes:
decoding text before splitting loses characters that the network cut in two, and `str.splitlines` cuts at U+2028.
Grammar: the WHATWG "server-sent events" section; line ends are LF, CRLF or CR, mixed as the server likes.
"""

from __future__ import annotations

import re

# Two line ends in a row. The groups are atomic: without that, a lone CRLF would be read as CR and then LF.
_FRAME_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LONGEST_END = 4
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")

MAX_FRAME = 16 * 1024 * 1024


class FrameTooLargeError(ValueError):
    """A frame passed `limit` bytes without an end: a broken or hostile server."""


class FrameSplitter:
    """Feed it pieces of any size, get whole frames with their blank line, byte for byte."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._rest = bytearray()  # grows in place: a huge frame in small pieces must not be copied for each of them
        self._searched = 0
        self._has_cr = False  # hardly any server sends one, and without it a plain search is five times faster

    @property
    def is_empty(self) -> bool:
        """Whether the next piece begins where a frame does."""
        return not self._rest

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the frames that this piece completes.

        Raises `FrameTooLargeError` when an unfinished frame passes the limit.
        """
        if self._rest:
            self._rest += piece
            text: bytes | bytearray = self._rest
        else:
            text = piece
        self._has_cr = self._has_cr or b"\r" in piece
        find_end = _mixed_end if self._has_cr else _plain_end
        frames: list[bytes] = []
        start = 0
        end = find_end(text, self._searched)
        while end > 0:
            frames.append(bytes(text[start:end]))
            start = end
            end = find_end(text, start)
        if text is piece:
            self._rest += piece[start:]
        elif start:
            del self._rest[:start]
        self._searched = max(0, len(self._rest) - _LONGEST_END + 1)
        if len(self._rest) > self._limit:
            raise FrameTooLargeError(f"an event passed {self._limit} bytes without an end")
        return frames

    def flush(self) -> list[bytes]:
        """Return what is left as a last frame: servers forget the final blank line."""
        rest, self._rest, self._searched = bytes(self._rest), bytearray(), 0
        return [rest] if rest.strip() else []


def _plain_end(text: bytes | bytearray, start: int) -> int:
    """Where the first frame at or behind `start` ends, 0 when it is not whole yet; for text without any CR."""
    found = text.find(b"\n\n", start)
    return found + 2 if found >= 0 else 0


def _mixed_end(text: bytes | bytearray, start: int) -> int:
    """The same for line ends of every kind. A CR at the very end may be the first half of a CRLF."""
    end = _FRAME_END.search(text, start)
    return 0 if end is None or (end.end() == len(text) and text.endswith(b"\r")) else end.end()


def frame_data(frame: bytes) -> bytes | None:
    """Return the frame's `data` lines joined by LF, `None` for a frame without any (a comment, a bare event name)."""
    if frame.startswith(b"data:") and frame.find(b"\n") == len(frame) - 2 and b"\r" not in frame:
        return frame[6:-2] if frame[5:6] == b" " else frame[5:-2]
    lines = []
    for line in _LINE_END.split(frame.removeprefix(_BYTE_ORDER_MARK)):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines) if lines else None


def frame(data: bytes, event: str | None = None) -> bytes:
    """Build one frame. `data` must be one line, as compact JSON is."""
    if event is None:
        return b"data: " + data + b"\n\n"
    return b"".join((b"event: ", event.encode(), b"\ndata: ", data, b"\n\n"))  # `data` may be large: one copy
