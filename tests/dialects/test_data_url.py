"""Media in JSON come out in the one form that every provider takes."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.errors import DecodeError
from proxyctl.dialects.data_url import data_url, media_type, split_data_url, standard_base64, text_of


@given(st.binary(min_size=1, max_size=60), st.booleans())
def test_base64_of_either_alphabet_padded_or_not_becomes_standard(data: bytes, padded: bool) -> None:
    url_safe = base64.urlsafe_b64encode(data).decode()

    standard = standard_base64(url_safe if padded else url_safe.rstrip("="))

    assert standard == base64.b64encode(data).decode()


@pytest.mark.parametrize("text", ["", "A", "é===", "AAAAA", "%%%", "AAA!", "AA=A"])
def test_what_cannot_be_base64_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(DecodeError, match=r"messages\[0\]"):
        standard_base64(text, path="messages[0]")


def test_a_data_url_is_split_and_its_type_spelled_as_usual() -> None:
    assert split_data_url("data:image/jpg;base64,AAAA") == ("image/jpeg", "AAAA")
    assert split_data_url("data:text/plain;charset=utf-8,a%20b") == ("text/plain", "YSBi")
    assert split_data_url(data_url("image/png", "AAAA")) == ("image/png", "AAAA")


def test_a_data_url_without_data_is_refused() -> None:
    with pytest.raises(DecodeError, match="without data"):
        split_data_url("data:image/png", path="p")


def test_text_files_are_read_as_text() -> None:
    assert text_of(base64.b64encode("grüß".encode()).decode()) == "grüß"
    with pytest.raises(DecodeError, match="UTF-8"):
        text_of(base64.b64encode(b"\xff\xfe").decode())


def test_media_types_lose_their_parameters_and_odd_spellings() -> None:
    assert media_type("Image/JPG; q=1") == "image/jpeg"
    assert media_type("audio/x-wav") == "audio/wav"
