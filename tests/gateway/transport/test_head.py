"""The bytes of a request head, and who may decide about framing."""

import pytest

from proxyctl.gateway.transport import InvalidRequestError, Origin
from proxyctl.gateway.transport.head import request_head


def test_a_head_is_written_in_order_with_host_and_length_last() -> None:
    head = request_head(b"api.example", b"POST", b"/v1/x?a=1", [(b"Authorization", b"Bearer k")], 12)

    assert head == (
        b"POST /v1/x?a=1 HTTP/1.1\r\nAuthorization: Bearer k\r\nhost: api.example\r\ncontent-length: 12\r\n\r\n"
    )


def test_the_callers_framing_headers_are_not_believed() -> None:
    headers = [
        (b"Content-Length", b"999"),
        (b"transfer-encoding", b"chunked"),
        (b"Connection", b"close"),
        (b"x-kept", b"1"),
    ]

    head = request_head(b"h", b"POST", b"/", headers, 2)

    assert head == b"POST / HTTP/1.1\r\nx-kept: 1\r\nhost: h\r\ncontent-length: 2\r\n\r\n"


def test_the_callers_host_wins() -> None:
    head = request_head(b"127.0.0.1:8080", b"GET", b"/", [(b"Host", b"model.internal")], 0)

    assert head == b"GET / HTTP/1.1\r\nHost: model.internal\r\n\r\n"


@pytest.mark.parametrize(("method", "line"), [(b"GET", b""), (b"POST", b"content-length: 0\r\n")])
def test_an_empty_body_is_announced_only_where_one_is_expected(method: bytes, line: bytes) -> None:
    assert request_head(b"h", method, b"/", [], 0) == method + b" / HTTP/1.1\r\nhost: h\r\n" + line + b"\r\n"


@pytest.mark.parametrize("bad", [b"a\r\nx: y", b"a\nb", b"a\rb", b"a\0b"])
@pytest.mark.parametrize("place", ["target", "name", "value"])
def test_nothing_can_end_its_line_early(bad: bytes, place: str) -> None:
    """A header value from a config file or a client must not become a second header or a second request."""
    target = b"/" + bad if place == "target" else b"/"
    name = bad if place == "name" else b"x-name"
    value = bad if place == "value" else b"v"

    with pytest.raises(InvalidRequestError) as caught:
        request_head(b"h", b"POST", target, [(name, value)], 0)

    assert not caught.value.sent


def test_a_target_with_a_space_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        request_head(b"h", b"GET", b"/a HTTP/1.1 b", [], 0)


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        (Origin("https", "api.example", 443), "https://api.example"),
        (Origin("https", "api.example", 8443), "https://api.example:8443"),
        (Origin("http", "::1", 80), "http://[::1]"),
        (Origin("http", "::1", 8080), "http://[::1]:8080"),
        (Origin("http", "bücher.рф", 80), "http://xn--bcher-kva.xn--p1ai"),
        (Origin("http", "bücher.рф", 8080), "http://xn--bcher-kva.xn--p1ai:8080"),
    ],
)
def test_an_origin_names_its_port_only_when_it_is_unusual(origin: Origin, url: str) -> None:
    assert origin.url() == url
    assert origin.authority() == url.split("//")[1].encode()
