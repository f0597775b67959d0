from __future__ import annotations

import base64

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
