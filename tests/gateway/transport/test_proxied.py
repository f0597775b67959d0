"""Where the environment demands a proxy, requests go through it, with the same answers and faults."""

import asyncio
import contextlib

import httpx
import pytest

from proxyctl.gateway.transport import (
    AnswerTooLargeError,
    ConnectFailedError,
    CutBodyError,
    DisconnectedError,
    FirstByteTimeoutError,
    IdleTimeoutError,
    InvalidResponseError,
    LeanTransport,
    Origin,
    ProxyFailedError,
    Timeouts,
)
from proxyctl.gateway.transport.proxied import proxy_for

OK = b"HTTP/1.1 200 OK\r\nX-Id: 7\r\ncontent-length: 2\r\n\r\nhi"
FAR = Origin("http", "models.example", 80)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def obedient():
    transport = LeanTransport()
    yield transport
    await transport.aclose()


@pytest.mark.parametrize(
    ("variables", "origin", "proxy"),
    [
        ({}, FAR, None),
        ({"HTTP_PROXY": "http://p:1"}, FAR, "http://p:1"),
        ({"HTTP_PROXY": "p:1"}, FAR, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, FAR, None),
        ({"HTTPS_PROXY": "http://p:1"}, Origin("https", "models.example", 443), "http://p:1"),
        ({"ALL_PROXY": "socks5://p:1"}, FAR, "socks5://p:1"),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "models.example"}, FAR, None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": ".example"}, FAR, None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, FAR, None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "other.example"}, FAR, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, Origin("http", "127.0.0.1", 11434), None),
        ({"HTTP_PROXY": "http://p:1"}, Origin("http", "::1", 11434), None),
        ({"HTTP_PROXY": "http://p:1"}, Origin("http", "localhost", 11434), None),
    ],
)
def test_the_proxy_variables_are_read_as_everywhere(monkeypatch, variables, origin, proxy) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert proxy_for(origin) == proxy


def through(monkeypatch, up) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:secret@127.0.0.1:{up.port}")


async def test_a_request_goes_to_the_proxy_with_its_whole_url(upstream, obedient, limits, monkeypatch) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(OK)

    async with upstream(script) as up:
        through(monkeypatch, up)
        response = await obedient.send(
            FAR, b"POST", b"/v1/x?a=%20", [(b"x-a", b"1"), (b"content-length", b"99")], b"{}", limits
        )
        answer = (response.status, response.headers[0], await response.read(10))
        await response.aclose()

    request = up.requests[0]
    assert answer == (200, (b"x-id", b"7"), b"hi")
    assert request.line == b"POST http://models.example/v1/x?a=%20 HTTP/1.1"
    assert (request.headers[b"host"], request.headers[b"x-a"], request.body) == (b"models.example", b"1", b"{}")
    assert request.headers[b"proxy-authorization"].startswith(b"Basic ")


async def test_https_goes_through_a_tunnel_to_a_verified_upstream(upstream, limits, monkeypatch, certificates) -> None:
    """The proxy sees only where the tunnel leads; the certificate is checked against the upstream's name."""

    async def answer(peer):
        await peer.request()
        await peer.send(OK)
        await peer.gone()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async with upstream(answer, tls=certificates.server) as far:

        async def tunnel(peer):
            await peer.request()
            reader, writer = await asyncio.open_connection("127.0.0.1", far.port)
            await peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
            try:
                await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

        async with upstream(tunnel) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
            transport = LeanTransport(ssl_context=certificates.trusting)
            # The certificate's name is this machine's, which a proxy is never asked for.
            monkeypatch.setattr("proxyctl.gateway.transport.proxied._is_this_machine", lambda _host: False)
            response = await transport.send(
                Origin("https", "upstream.localhost", 443), b"POST", b"/", [], b"{}", limits
            )
            assert await response.read(10) == b"hi"
            await response.aclose()
            await transport.aclose()

    assert proxy.requests[0].line == b"CONNECT upstream.localhost:443 HTTP/1.1"
    assert far.requests[0].line == b"POST / HTTP/1.1"


@pytest.mark.parametrize(
    ("said", "kind", "sent"),
    [(b"", DisconnectedError, True), (b"<html>\r\n\r\n", InvalidResponseError, True)],
)
async def test_faults_through_a_proxy_are_the_same(upstream, obedient, limits, monkeypatch, said, kind, sent) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(said)

    async with upstream(script) as up:
        through(monkeypatch, up)
        with pytest.raises(kind) as caught:
            await obedient.send(FAR, b"POST", b"/", [], b"{}", limits)

    assert caught.value.sent is sent


async def test_a_body_cut_behind_a_proxy_is_a_cut(upstream, obedient, limits, monkeypatch) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")

    async with upstream(script) as up:
        through(monkeypatch, up)
        response = await obedient.send(FAR, b"POST", b"/", [], b"{}", limits)
        assert await response.read_chunk() == b"hello"
        with pytest.raises(CutBodyError):
            await response.read_chunk()


async def test_silence_behind_a_proxy_is_timed_like_any_other(upstream, obedient, monkeypatch) -> None:
    async def script(peer):
        request = await peer.request()
        if request.body == b"stream":
            await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        await peer.gone()

    async with upstream(script) as up:
        through(monkeypatch, up)
        with pytest.raises(FirstByteTimeoutError):
            await obedient.send(FAR, b"POST", b"/", [], b"{}", Timeouts(0.05, 0.05, 20))
        response = await obedient.send(FAR, b"POST", b"/", [], b"stream", Timeouts(20, 20, 0.05))
        assert await response.read_chunk() == b"x"
        with pytest.raises(IdleTimeoutError):
            await response.read_chunk()


async def test_a_limit_on_the_answer_holds_behind_a_proxy(upstream, obedient, limits, monkeypatch) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(OK)

    async with upstream(script) as up:
        through(monkeypatch, up)
        response = await obedient.send(FAR, b"POST", b"/", [], b"{}", limits)
        with pytest.raises(AnswerTooLargeError):
            await response.read(1)


async def test_a_proxy_that_is_not_there_is_a_connect_failure(upstream, obedient, limits, monkeypatch) -> None:
    async with upstream(None) as up:
        pass
    through(monkeypatch, up)
    with pytest.raises(ConnectFailedError) as caught:
        await obedient.send(FAR, b"POST", b"/", [], b"{}", limits)

    assert not caught.value.sent
    assert isinstance(caught.value, httpx.ConnectError)


async def test_a_tunnel_refused_is_a_proxy_failure(upstream, obedient, limits, monkeypatch) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")

    async with upstream(script) as up:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{up.port}")
        with pytest.raises(ProxyFailedError) as caught:
            await obedient.send(Origin("https", "models.example", 443), b"POST", b"/", [], b"{}", limits)

    assert not caught.value.sent


async def test_an_unusable_proxy_setting_says_so_without_its_password(obedient, limits, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://user:secret@127.0.0.1:1")
    with pytest.raises(ProxyFailedError) as caught:
        await obedient.send(FAR, b"POST", b"/", [], b"{}", limits)

    assert "secret" not in str(caught.value)
