"""Text that was cut inside a surrogate pair comes out whole."""

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


@given(st.text(st.characters(exclude_categories=("Cs",))), st.integers(0, 200))
def test_text_cut_by_utf_16_units_is_the_same_again(text: str, at: int) -> None:
    units = text.encode("utf-16-le")
    edge = min(at * 2, len(units))
    pieces = [units[:edge].decode("utf-16-le", "surrogatepass"), units[edge:].decode("utf-16-le", "surrogatepass")]
    joiner = SurrogateJoiner()

    joined = "".join(joiner.join(0, piece) for piece in pieces) + joiner.drop(0)

    assert joined == text
