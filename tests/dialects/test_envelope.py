"""Signatures survive the journey through a client of another dialect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.chat import Signature
from proxyctl.dialects.envelope import PREFIX, is_envelope, opened, seal


@given(st.text(min_size=1, max_size=200))
def test_what_is_sealed_is_opened_again(value: str) -> None:
    signature = Signature(value, "gemini-generate")

    sealed = seal(signature)

    assert is_envelope(sealed)
    assert sealed.isascii()
    assert opened(sealed) == signature


def test_no_signature_is_an_envelope_too() -> None:
    assert is_envelope(seal(None))
    assert opened(seal(None)) is None


@pytest.mark.parametrize("text", ["", "EqQBCkYIARgC", PREFIX, PREFIX + "!!", PREFIX + "e30x", PREFIX + "eyJwIjoieCJ9"])
def test_anything_else_is_no_signature(text: str) -> None:
    assert opened(text) is None


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    assert opened(text) is None or is_envelope(text)
    assert opened(PREFIX + text) is None or text
