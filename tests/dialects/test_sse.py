"""The frame splitter against a slow reference, at every way the network may cut."""

import re
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.dialects.sse import FrameSplitter, FrameTooLargeError, frame, frame_data

LINE_ENDS = [b"\n", b"\r\n", b"\r"]
LINES = [b"data: {}", b"data:x", b": ping", b"event: message_start", "data: é\u2028\u0085".encode(), b"id: 7", b"retry"]


def data_of(wire: bytes) -> list[bytes]:
    """The data of each event, read the slow way: all lines first, as the WHATWG text puts it."""
    events, lines = [], []
    for line in re.split(rb"\r\n|\n|\r", wire):
        if not line:
            events.append(lines)
            lines = []
        else:
            lines.append(line)
    events.append(lines)
    return [
        b"\n".join(line.partition(b":")[2].removeprefix(b" ") for line in event if line.partition(b":")[0] == b"data")
        for event in events
        if any(line.partition(b":")[0] == b"data" for line in event)
    ]


def split(pieces: list[bytes]) -> list[bytes]:
    splitter = FrameSplitter()
    frames = [found for piece in pieces for found in splitter.feed(piece)]
    return frames + splitter.flush()


def cut(wire: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(edge % (len(wire) + 1) for edge in at), len(wire)]
    return [wire[start:end] for start, end in pairwise(edges)]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Events of a few lines; every line end is drawn on its own."""
    ends = st.sampled_from(LINE_ENDS)
    wire = b""
    for _ in range(draw(st.integers(0, 5))):
        for line in draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=3)):
            wire += line + draw(ends)
        wire += draw(ends)
    return wire + draw(st.sampled_from([b"", b"data: last", b"data: last\n", b"data: last\r\n"]))


@given(streams(), st.lists(st.integers(0, 10_000), max_size=12))
def test_the_events_are_those_of_the_reference_wherever_the_network_cuts(wire: bytes, at: list[int]) -> None:
    frames = split(cut(wire, at))

    assert [data for found in frames if (data := frame_data(found)) is not None] == data_of(wire)


@given(streams(), st.lists(st.integers(0, 10_000), max_size=12))
def test_no_byte_is_lost_or_changed(wire: bytes, at: list[int]) -> None:
    joined = b"".join(split(cut(wire, at)))

    assert wire.startswith(joined)
    assert not wire[len(joined) :].strip()


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_any_bytes_are_split_without_a_crash(wire: bytes, at: list[int]) -> None:
    for found in split(cut(wire, at)):
        frame_data(found)


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r"]), max_size=14).map(b"".join), st.lists(st.integers(0, 20)))
def test_frames_do_not_depend_on_chunking(wire: bytes, at: list[int]) -> None:
    assert split(cut(wire, at)) == split([bytes([byte]) for byte in wire])


@pytest.mark.parametrize(
    ("first", "second"), [pair for pair in product(LINE_ENDS, LINE_ENDS) if pair != (b"\r", b"\n")]
)
def test_every_pair_of_line_ends_closes_a_frame(first: bytes, second: bytes) -> None:
    """All but CR and LF, which are one line end."""
    wire = b"data: 1" + first + second + b"data: 2\n\n"

    assert [frame_data(found) for found in split([wire])] == [b"1", b"2"]


def test_a_lone_crlf_is_one_line_end() -> None:
    assert split([b"event: a\r\ndata: 1\r\n\r\n"]) == [b"event: a\r\ndata: 1\r\n\r\n"]


def test_a_crlf_cut_in_two_is_still_one_line_end() -> None:
    splitter = FrameSplitter()

    assert splitter.feed(b"data: 1\r\n\r") == []
    assert splitter.feed(b"\n") == [b"data: 1\r\n\r\n"]


def test_a_character_cut_in_three_arrives_whole() -> None:
    wire = 'data: {"text":"漢"}\n\n'.encode()

    frames = split([bytes([byte]) for byte in wire])

    assert frame_data(frames[0]) == '{"text":"漢"}'.encode()


def test_the_last_event_is_delivered_without_its_blank_line() -> None:
    assert [frame_data(found) for found in split([b"data: 1\n\ndata: 2"])] == [b"1", b"2"]


def test_white_space_behind_the_last_event_is_no_event() -> None:
    assert split([b"data: 1\n\n\n"]) == [b"data: 1\n\n"]


def test_an_event_without_an_end_is_refused() -> None:
    splitter = FrameSplitter(limit=10)

    with pytest.raises(FrameTooLargeError, match="10 bytes"):
        splitter.feed(b"data: 0123456789")


def test_several_data_lines_are_one_text() -> None:
    assert frame_data(b"data: a\ndata\ndata:b\n\n") == b"a\n\nb"


def test_comments_and_bare_names_have_no_data() -> None:
    assert frame_data(b": ping\n\n") is None
    assert frame_data(b"event: ping\n\n") is None


def test_a_byte_order_mark_does_not_hide_the_first_event() -> None:
    assert frame_data(b"\xef\xbb\xbfdata: 1\n\n") == b"1"


def test_a_built_frame_is_read_back() -> None:
    assert split([frame(b"{}"), frame(b"[1]", "message_stop")]) == [
        b"data: {}\n\n",
        b"event: message_stop\ndata: [1]\n\n",
    ]
