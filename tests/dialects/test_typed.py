"""Wrong JSON is refused with the place of the first fault."""

import msgspec
import pytest

from proxyctl.core.errors import DecodeError
from proxyctl.dialects.typed import decode_typed


class Inner(msgspec.Struct):
    role: str


class Outer(msgspec.Struct):
    messages: list[Inner]


OUTER = msgspec.json.Decoder(Outer)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"messages":[{"role":"a"},{"role":5}]}', "messages[1].role"),
        (b'{"messages":[{}]}', "messages[0]"),
        (b"{}", ""),
        (b"[]", ""),
        (b"{", ""),
        (b'{"messages":[{"role":"\xff"}]}', ""),
    ],
)
def test_the_place_of_a_fault(body: bytes, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_typed(OUTER, body)

    assert caught.value.path == path


def test_the_place_is_told_from_where_the_value_stands() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_typed(OUTER, b'{"messages":[{"role":5}]}', under="body")

    assert caught.value.path == "body.messages[0].role"


def test_what_nests_without_end_is_refused() -> None:
    with pytest.raises(DecodeError, match="deep"):
        decode_typed(msgspec.json.Decoder(), b"[" * 100_000)


def test_what_is_right_is_returned() -> None:
    assert decode_typed(OUTER, b'{"messages":[{"role":"a"}]}') == Outer([Inner("a")])
