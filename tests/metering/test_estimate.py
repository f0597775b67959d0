from __future__ import annotations

import base64
import random

import pytest

from proxyctl.metering.estimate import estimate_body, estimate_bytes, estimate_tokens


def test_four_letters_are_a_token() -> None:
    assert estimate_tokens("four" * 10) == 10


def test_accents_are_letters() -> None:
    assert estimate_tokens("é" * 8) == 2


@pytest.mark.parametrize("text", ["中" * 3, "あ" * 3, "한" * 3, "𠀀" * 3])
def test_a_wide_character_counts_for_more(text: str) -> None:
    assert estimate_tokens(text) == 2


def test_pieces_add_up_to_the_whole() -> None:
    pieces = ["Hel", "lo, ", "世", "界", "!"]

    assert sum(map(estimate_tokens, pieces)) == pytest.approx(estimate_tokens("".join(pieces)))


def test_bytes_agree_with_letters() -> None:
    assert estimate_bytes(400) == 100
    assert estimate_bytes(1) == 1
    assert estimate_bytes(0) == estimate_bytes(-5) == 0


def test_media_in_a_body_are_left_out() -> None:
    picture = base64.b64encode(bytes(range(256)) * 400)
    body = b'{"messages":[{"content":"' + b"word " * 200 + b'","image":"' + picture + b'"}]}'

    assert estimate_body(body) == estimate_bytes(len(body) - len(picture))


def test_a_small_body_is_counted_whole() -> None:
    assert estimate_body(b"x" * 100) == 25


@pytest.mark.parametrize("seed", range(30))
def test_a_long_text_is_counted_like_its_letters(seed: int) -> None:
    """Long texts take another way to the same number: scripts, symbols, emoji and halves of a pair."""
    drawn = random.Random(seed)  # noqa: S311 - the same draws in every run
    ranges = [(0x20, 0x7F), (0xA0, 0x2DFF), (0x2E00, 0x9FFF), (0xAC00, 0xDFFF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF)]
    text = "".join(chr(drawn.randint(*drawn.choice(ranges))) for _ in range(200))

    assert estimate_tokens(text) == pytest.approx(sum(map(estimate_tokens, text)))


def test_an_emoji_is_more_than_a_letter() -> None:
    assert estimate_tokens("🙂" * 3) == estimate_tokens("🙂" * 300) / 100 == 2
