"""Reading a client's request: just enough of it, and a clear refusal for what is none."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.errors import BadRequestError, TooLargeError, UnsupportedMediaError
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from proxyctl.gateway.inbound import (
    Address,
    Inbound,
    check_media,
    client_headers,
    decompress,
    raw_or_none,
    read_object,
)

BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


@pytest.mark.parametrize(
    "body", [b"", b"  \n", b"[]", b'"x"', b"{", b"null", b'{"model":}', b"\xff\xfe", b'{"a":"\xff"}']
)
def test_what_is_no_json_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        read_object(body)


@given(st.binary(max_size=200))
def test_reading_any_bytes_ends_in_fields_or_a_bad_request(body: bytes) -> None:
    try:
        fields = read_object(body)
    except BadRequestError:
        return
    assert isinstance(fields, dict)


def test_deep_nesting_is_a_bad_request() -> None:
    body = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"

    with pytest.raises(BadRequestError):
        Inbound(OPENAI_CHAT, {}, body)


def test_what_can_just_be_looked_into_may_be_too_deep_to_be_read() -> None:
    """The canonical form is read some calls further down than the top level."""

    def refusal(depth: int) -> str:
        schema = b"[" * depth + b"]" * depth
        tool = b'{"type":"function","function":{"name":"f","parameters":{"x":%b}}}' % schema
        try:
            Inbound(OPENAI_CHAT, {}, BODY[:-1] + b',"tools":[%b]}' % tool).canonical()
        except BadRequestError as exc:
            return str(exc)
        return ""

    depths = iter(range(2000, 0, -1))
    refusals = list(iter(lambda: refusal(next(depths)), ""))

    assert refusals[-1] == "the request is nested too deeply to be read"


def test_the_original_bytes_are_kept() -> None:
    assert Inbound(OPENAI_CHAT, {}, BODY).body is BODY


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        (BODY, True),
        (b'{"model":"m","model":"n","messages":[]}', False),
        (b'{"mod\\u0065l":"m","messages":[]}', False),
    ],
)
def test_a_key_written_twice_or_in_disguise_is_noticed(body: bytes, plain: bool) -> None:
    """What is routed must be what is sent."""
    inbound = Inbound(OPENAI_CHAT, {}, body)

    assert inbound.written_plainly() is plain


def test_a_missing_model_is_named() -> None:
    with pytest.raises(BadRequestError, match="model"):
        Inbound(OPENAI_CHAT, {}, b'{"messages":[]}')


@pytest.mark.parametrize("content_type", [b"", b"application/json", b"application/json; charset=utf-8"])
def test_json_is_read(content_type: bytes) -> None:
    check_media({b"content-type": content_type})


def test_other_media_are_refused() -> None:
    with pytest.raises(UnsupportedMediaError, match="text/plain"):
        check_media({b"content-type": b"text/plain"})


@pytest.mark.parametrize("packed", [gzip.compress(BODY, mtime=0), zlib.compress(BODY)], ids=["gzip", "deflate"])
def test_packed_bodies_are_unpacked(packed: bytes) -> None:
    encoding = b"gzip" if packed[:2] == b"\x1f\x8b" else b"deflate"

    assert decompress(packed, {b"content-encoding": encoding}, 1000) == BODY


def test_a_small_body_cannot_unpack_to_a_huge_one() -> None:
    bomb = gzip.compress(b"0" * 1_000_000)

    with pytest.raises(TooLargeError):
        decompress(bomb, {b"content-encoding": b"gzip"}, 1000)


@pytest.mark.parametrize("packed", [b"not gzip", gzip.compress(BODY, mtime=0)[:-4]], ids=["none", "cut"])
def test_broken_or_cut_packing_is_a_bad_request(packed: bytes) -> None:
    with pytest.raises(BadRequestError):
        decompress(packed, {b"content-encoding": b"gzip"}, 1000)


@pytest.mark.parametrize("rest", [gzip.compress(BODY, mtime=0), b"x"], ids=["member", "rubbish"])
def test_what_follows_a_packed_body_is_not_dropped_in_silence(rest: bytes) -> None:
    with pytest.raises(BadRequestError, match="follows"):
        decompress(gzip.compress(BODY) + rest, {b"content-encoding": b"gzip"}, 1000)


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(UnsupportedMediaError, match="br"):
        decompress(BODY, {b"content-encoding": b"br"}, 1000)


def test_null_is_as_absent() -> None:
    fields = read_object(b'{"a":null,"b":{"c":1}}')

    assert raw_or_none(fields, "a") is None
    assert raw_or_none(fields, "x") is None
    assert raw_or_none(fields, "b") == b'{"c":1}'


@pytest.mark.parametrize("stream", [True, False])
def test_what_the_address_says_is_filled_in(stream: bool) -> None:
    body = b'{"contents":[{"role":"model","parts":[{"text":"hi"}]}],"model":"other"}'

    inbound = Inbound(GEMINI_GENERATE, {}, body, Address("groq:m", stream))

    assert (inbound.peek.model, inbound.peek.stream) == ("groq:m", stream)
    assert (inbound.canonical().model, inbound.canonical().stream) == ("groq:m", stream)
    assert inbound.written_plainly()


def test_headers_that_came_once_are_as_they_came() -> None:
    assert client_headers([(b"a", b"1"), (b"b", b"2, 3")]) == {b"a": b"1", b"b": b"2, 3"}


def test_headers_that_came_several_times_are_one_list() -> None:
    pairs = [(b"anthropic-beta", b"one"), (b"a", b"1"), (b"anthropic-beta", b"two"), (b"anthropic-beta", b"one")]

    assert client_headers(pairs) == {b"anthropic-beta": b"one,two", b"a": b"1"}


def test_cookies_are_joined_as_cookies_are() -> None:
    assert client_headers([(b"cookie", b"a=1"), (b"cookie", b"b=2")]) == {b"cookie": b"a=1; b=2"}
