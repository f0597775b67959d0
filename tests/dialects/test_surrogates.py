"""Text that was cut inside a surrogate pair comes out whole."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.dialects.surrogates import SurrogateJoiner, lenient_decode, whole


def test_halves_of_a_character_are_joined_across_deltas() -> None:
    joiner = SurrogateJoiner()

    assert joiner.join(0, "a\ud83d") == "a"
    assert joiner.join(1, "b") == "b"
    assert joiner.join(0, "\ude00c") == "😀c"


def test_a_half_that_stays_alone_is_marked_as_lost() -> None:
    joiner = SurrogateJoiner()
    joiner.join(0, "\ud83d")

    assert joiner.drop(0) == "\ufffd"
    assert joiner.drop(0) == ""
    assert whole("a\udc00b") == "a\ufffdb"


def test_half_characters_are_decoded_where_strict_parsers_stop() -> None:
    class Text(msgspec.Struct):
        text: str

    assert lenient_decode(b'{"text":"\\ud83d"}', Text).text == "\ud83d"
    with pytest.raises(msgspec.DecodeError):
        lenient_decode(b'{"text":', Text)


class _Source(msgspec.Struct):
    named: msgspec.Raw = msgspec.Raw()
    error: str | None = None


class _Frame(msgspec.Struct):
    text: str | list[_Source] = ""
    error: msgspec.Raw = msgspec.Raw()
    rest: dict[str, Any] | None = None
    inner: _Frame | None = None


@pytest.mark.parametrize("value", ['{"error":{"error":1}}', "[]", "null", '"a"', "1.5"])
def test_members_that_are_read_later_stay_json_text(value: str) -> None:
    read = lenient_decode(f'{{"inner":{{"text":"\\ud83d","error":{value}}}}}'.encode(), _Frame)

    assert (read.inner.text, json.loads(bytes(read.inner.error))) == ("\ud83d", json.loads(value))


def test_half_a_character_in_a_member_that_is_read_later_is_marked_as_lost() -> None:
    read = lenient_decode(b'{"text":[{"named":["a\\ud83d"]}]}', _Frame)

    assert msgspec.json.decode(read.text[0].named) == ["a\ufffd"]


def test_only_what_is_read_later_becomes_text_again() -> None:
    read = lenient_decode(b'{"text":[{"error":"\\ud83d"}],"rest":{"named":[1],"x":"\\ud83d"}}', _Frame)

    assert (read.text[0].error, read.rest) == ("\ud83d", {"named": [1], "x": "\ud83d"})


@given(st.text(st.characters(exclude_categories=("Cs",))), st.integers(0, 200))
def test_text_cut_by_utf_16_units_is_the_same_again(text: str, at: int) -> None:
    units = text.encode("utf-16-le")
    edge = min(at * 2, len(units))
    pieces = [units[:edge].decode("utf-16-le", "surrogatepass"), units[edge:].decode("utf-16-le", "surrogatepass")]
    joiner = SurrogateJoiner()

    joined = "".join(joiner.join(0, piece) for piece in pieces) + joiner.drop(0)

    assert joined == text
