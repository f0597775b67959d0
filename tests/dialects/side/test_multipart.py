"""Where a form's parts stand, whatever the file in it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.errors import DecodeError
from proxyctl.dialects.side.multipart import boundary_of, parts_of, replaced, value_of

BOUNDARY = b"edge"


def form(*parts: tuple[str, bytes]) -> bytes:
    pieces = [
        b"--edge\r\ncontent-disposition: form-data; " + head.encode() + b"\r\n\r\n" + data for head, data in parts
    ]
    return b"\r\n".join([*pieces, b"--edge--\r\n"])


@given(st.binary(max_size=200), st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_a_value_is_replaced_and_nothing_else(sound: bytes, name: str) -> None:
    if b"\r\n--edge" in sound:
        return
    body = form(('name="file"; filename="a.wav"', sound), ('name="model"', b"old"), ('name="x"', b"y"))

    parts = parts_of(body, BOUNDARY)
    value, part = value_of(body, parts, "model")

    assert value == "old"
    assert replaced(body, part, name) == body.replace(b"\r\n\r\nold", b"\r\n\r\n" + name.encode())
    assert body[parts[0].start : parts[0].end] == sound
    assert [(one.name, one.is_file) for one in parts] == [("file", True), ("model", False), ("x", False)]


def test_a_file_that_looks_like_a_boundary_is_a_file() -> None:
    body = form(('name="file"; filename="a"', b"--edge--\r\n -edge"), ('name="model"', b"m"))

    assert value_of(body, parts_of(body, BOUNDARY), "model")[0] == "m"


def test_what_stands_before_the_first_boundary_is_passed_over() -> None:
    body = b"a preamble\r\n" + form(('name="model"', b"m"))

    assert value_of(body, parts_of(body, BOUNDARY), "model")[0] == "m"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing",
        b"--edge",
        b"--edge\r\n",
        b"--edge\r\ncontent-disposition: form-data; name=a\r\n\r\nx",
        form(("x=1", b"")),
        form(*[('name="a"', b"")] * 201),
        form((f'name="{"a" * 5000}"', b"")),
    ],
)
def test_broken_forms_are_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        parts_of(body, BOUNDARY)


@pytest.mark.parametrize("parts", [[], [('name="model"', b"a"), ('name="model"', b"b")], [('name="model"', b"\xff")]])
def test_a_field_must_stand_there_once_as_text(parts: list[tuple[str, bytes]]) -> None:
    body = form(*parts, ('name="x"', b""))

    with pytest.raises(DecodeError, match="model"):
        value_of(body, parts_of(body, BOUNDARY), "model")


@pytest.mark.parametrize(
    "header", ["", "application/json", "multipart/form-data", 'multipart/form-data; boundary="\u00e9"']
)
def test_a_boundary_must_be_named(header: str) -> None:
    with pytest.raises(DecodeError):
        boundary_of(header)


def test_a_quoted_boundary_is_read() -> None:
    assert boundary_of('multipart/form-data; boundary="a b"') == b"a b"
