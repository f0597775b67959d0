"""Unpack an answer that came compressed although `identity` was asked for.

Some servers and most middleboxes do not care what a client accepts. What they pack is unpacked here, piece by piece,
so that the rest of the gateway reads plain bytes; a coding that is not known is refused, never passed on as an answer.
A small piece may hold a large one: at most `PIECE` bytes come out at a time.
"""

from __future__ import annotations

import zlib

from proxyctl.gateway.transport import CutBodyError, InvalidResponseError, Response, TransportFault

PIECE = 256 * 1024
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})


def unpacked(response: Response, encoding: bytes) -> Response | UnpackedBody:
    """The plain body of a response with this `content-encoding`."""
    coding = encoding.strip().lower()
    if coding in (b"", b"identity"):
        return response
    return UnpackedBody(response, coding)


class UnpackedBody:
    """The reading side of a response, over one that is packed."""

    def __init__(self, response: Response, coding: bytes) -> None:
        self._response = response
        self._coding = coding.decode("latin-1")[:40]
        self._unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        self._packed = b""
        self._begun = False
        self._ended = False

    async def read_chunk(self) -> bytes:
        """The next plain bytes, `b""` at the end. Raises `CutBodyError` when the packing says that more should come."""
        if self._coding not in _CODINGS:
            raise _fault(InvalidResponseError, f"the upstream packed its answer with {self._coding!r}, unasked")
        while not self._ended:
            plain = self._unpack(self._packed or await self._response.read_chunk())
            if plain:
                return plain
        return b""

    def _unpack(self, packed: bytes) -> bytes:
        """Feed a piece; an empty one is the end of the body."""
        unpacker = self._unpacker
        try:
            plain = unpacker.decompress(packed, PIECE) if packed else unpacker.flush()
        except zlib.error as exc:
            raise _fault(InvalidResponseError, f"the upstream's {self._coding} answer is broken: {exc}") from exc
        if unpacker.unused_data:
            raise _fault(InvalidResponseError, f"something follows the upstream's {self._coding} answer")
        self._packed = unpacker.unconsumed_tail
        self._ended = not packed
        if self._ended and self._begun and not unpacker.eof:
            raise _fault(CutBodyError, f"the upstream's {self._coding} answer stopped before its end")
        self._begun = True
        return plain


def _fault(kind: type[TransportFault], message: str) -> TransportFault:
    return kind(message, sent=True, response_started=True)
