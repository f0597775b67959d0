"""Answers that came packed although nobody asked for that."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from proxyctl.gateway.transport import CutBodyError, InvalidResponseError, LeanResponse, Response
from proxyctl.gateway.unpack import PIECE, UnpackedBody, unpacked

TEXT = bytes(range(256)) * 40
BOMB = b"0" * 50 * PIECE


class Line:
    """The connection's side: all has arrived already, nothing is left to ask of it."""

    def resume(self) -> None:
        pass

    def abort(self) -> None:
        pass


def arrived(*pieces: bytes) -> LeanResponse:
    response = LeanResponse(Line(), reused=False)
    for piece in pieces:
        response.feed(piece)
    response.finish()
    return response


async def plain(body: Response | UnpackedBody) -> bytes:
    pieces = []
    while piece := await body.read_chunk():
        assert len(piece) <= 2 * PIECE
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("text", [b"", b"x", TEXT, BOMB], ids=["empty", "short", "text", "bomb"])
@pytest.mark.parametrize(("pack", "coding"), [(gzip.compress, b"gzip"), (zlib.compress, b"deflate")])
async def test_what_was_packed_comes_out(text: bytes, pack, coding: bytes) -> None:
    assert await plain(unpacked(arrived(pack(text)), coding)) == text


async def test_pieces_may_be_cut_anywhere() -> None:
    packed = gzip.compress(TEXT)
    response = LeanResponse(Line(), reused=False)
    reading = asyncio.create_task(plain(unpacked(response, b"GZIP ")))

    for at in range(0, len(packed), 7):
        response.feed(packed[at : at + 7])
        response.wake()
        await asyncio.sleep(0)
    response.finish()
    response.wake()

    assert await reading == TEXT


@pytest.mark.parametrize("coding", [b"", b"identity", b"Identity"])
def test_what_is_plain_is_left_alone(coding: bytes) -> None:
    response = arrived(b"x")

    assert unpacked(response, coding) is response


async def test_an_answer_without_a_body_is_no_broken_one() -> None:
    assert await plain(unpacked(arrived(), b"gzip")) == b""


@pytest.mark.parametrize("cut", [1, 12, 30])
async def test_a_cut_is_told_from_an_end(cut: int) -> None:
    with pytest.raises(CutBodyError):
        await plain(unpacked(arrived(gzip.compress(TEXT)[:-cut]), b"gzip"))


@pytest.mark.parametrize(
    ("sent", "coding"),
    [
        (b"plain text", b"gzip"),
        (gzip.compress(TEXT) + b"more", b"gzip"),
        (gzip.compress(TEXT), b"br"),
        (gzip.compress(TEXT), b"gzip, gzip"),
    ],
)
async def test_what_cannot_be_unpacked_is_refused(sent: bytes, coding: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        await plain(unpacked(arrived(sent), coding))
