"""Each way in which a daemon can fail to answer is told apart."""

from __future__ import annotations

import socket

import pytest

from proxyctl.client.connection import Endpoint, call, open_call
from proxyctl.client.errors import ClientError, CutError, NotRunningError, SilentError, StrangerError

from .stand_in import StandIn, raw, stream, whole


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens: it was bound a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def test_an_answer_comes_whole(daemon: StandIn) -> None:
    daemon.says("GET", "/x", whole(b"body", "text/plain", 418, X_Test="yes"))

    answer = call(daemon.endpoint, "GET", "/x")

    assert (answer.status, answer.body, answer.headers["x-test"]) == (418, b"body", "yes")


def test_a_chunked_answer_comes_whole(daemon: StandIn) -> None:
    daemon.says("GET", "/x", stream([b"one ", b"two"]))

    assert call(daemon.endpoint, "GET", "/x").body == b"one two"


def test_the_token_goes_along(daemon: StandIn) -> None:
    call(daemon.endpoint, "GET", "/x")

    assert daemon.received[0].headers["authorization"] == "Bearer token-of-the-test"


def test_no_token_no_header(daemon: StandIn) -> None:
    call(Endpoint(daemon.address), "GET", "/x")

    assert "authorization" not in daemon.received[0].headers


def test_the_token_is_not_shown() -> None:
    assert "secret" not in repr(Endpoint("http://127.0.0.1:1", "secret"))


def test_a_query_without_a_value_is_left_out(daemon: StandIn) -> None:
    call(daemon.endpoint, "GET", "/x", query={"a": None, "b": 2, "c": "d e&f"})

    assert daemon.received[0].query == {"b": "2", "c": "d e&f"}


def test_a_body_is_sent(daemon: StandIn) -> None:
    call(daemon.endpoint, "POST", "/x", body=b'{"a":1}')

    assert daemon.received[0].body == b'{"a":1}'
    assert daemon.received[0].headers["content-type"] == "application/json"


def test_proxies_of_the_environment_are_not_used(daemon: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert call(daemon.endpoint, "GET", "/x").status == 404


def test_a_daemon_on_every_address_is_reached_on_this_machine(daemon: StandIn) -> None:
    assert call(Endpoint(f"http://0.0.0.0:{daemon.port}"), "GET", "/x").status == 404


def test_nobody_listens(closed_port: int) -> None:
    address = f"http://127.0.0.1:{closed_port}"

    with pytest.raises(NotRunningError, match=f"nothing answers at {address}"):
        call(Endpoint(address), "GET", "/x")


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "http://[::1", "http://"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(NotRunningError):
        call(Endpoint(address), "GET", "/x")


def test_silence(daemon: StandIn) -> None:
    daemon.is_silent("GET", "/x")

    with pytest.raises(SilentError, match=r"did not answer within 0\.05 s"):
        call(Endpoint(daemon.address, answer_seconds=0.05), "GET", "/x")


def test_a_hang_up_before_the_answer_is_no_answer(daemon: StandIn) -> None:
    """As of a daemon that was killed this moment: the system still takes the connection, and drops it."""
    daemon.says("GET", "/x", raw(b""))

    with pytest.raises(NotRunningError):
        call(daemon.endpoint, "GET", "/x")


@pytest.mark.parametrize(
    "reply",
    [
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
        stream([b"half"], cut=True),
        raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nhalf"),
    ],
    ids=["length", "chunk missing", "in a chunk"],
)
def test_half_an_answer_is_none(daemon: StandIn, reply: object) -> None:
    daemon.says("GET", "/x", reply)  # type: ignore[arg-type]

    with pytest.raises(CutError, match="in the middle of an answer"):
        call(daemon.endpoint, "GET", "/x")


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00\x01\x02\r\n\r\n"])
def test_something_that_is_no_http(daemon: StandIn, data: bytes) -> None:
    daemon.says("GET", "/x", raw(data))

    with pytest.raises(StrangerError, match="does not answer as a proxyctl daemon"):
        call(daemon.endpoint, "GET", "/x")


def test_lines_come_one_by_one(daemon: StandIn) -> None:
    daemon.says("GET", "/x", stream([b"one\ntw", b"o\n", b"three"]))

    with open_call(daemon.endpoint, "GET", "/x") as answer:
        assert list(answer) == [b"one\n", b"two\n", b"three"]


def test_a_cut_between_lines_is_seen(daemon: StandIn) -> None:
    daemon.says("GET", "/x", stream([b"one\n"], cut=True))

    with open_call(daemon.endpoint, "GET", "/x") as answer:
        lines = iter(answer)
        assert next(lines) == b"one\n"
        with pytest.raises(CutError):
            next(lines)


def test_every_error_is_a_client_error() -> None:
    for kind in (CutError, NotRunningError, SilentError, StrangerError):
        assert issubclass(kind, ClientError)
