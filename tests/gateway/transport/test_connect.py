"""Names, sockets and TLS: each failure is its own, and none of them has sent anything."""

import asyncio
import socket
import ssl

import httpx
import pytest

from proxyctl.gateway.transport import (
    ConnectFailedError,
    ConnectTimeoutError,
    CutBodyError,
    LeanTransport,
    Origin,
    ResolveError,
    Timeouts,
    TlsError,
)

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


async def answer_once(peer) -> None:
    await peer.request()
    await peer.send(OK)
    await peer.gone()


async def fetch(transport: LeanTransport, origin: Origin, limits: Timeouts) -> bytes:
    response = await transport.send(origin, b"POST", b"/", [], b"{}", limits)
    try:
        return await response.read(1000)
    finally:
        await response.aclose()


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


async def test_a_refused_connection_is_a_connect_failure_that_names_the_origin(transport, limits) -> None:
    port = free_port()
    with pytest.raises(ConnectFailedError, match=f"127.0.0.1:{port}") as caught:
        await fetch(transport, Origin("http", "127.0.0.1", port), limits)

    assert type(caught.value) is ConnectFailedError
    assert isinstance(caught.value, httpx.ConnectError)
    assert not caught.value.sent


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".localhost"])
async def test_a_name_without_address_is_a_resolve_error(transport, limits, host) -> None:
    """Names that no resolver may be asked for, so that the test stays on this machine."""
    with pytest.raises(ResolveError) as caught:
        await fetch(transport, Origin("http", host, 80), limits)

    assert not caught.value.sent


async def test_a_silent_address_is_a_connect_timeout(transport) -> None:
    """A listener whose queue is full swallows the next handshake: the kernel drops it without a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
            fillers.append(sock)
        try:
            with pytest.raises(ConnectTimeoutError) as caught:
                await fetch(transport, Origin("http", "127.0.0.1", port), Timeouts(0.2, 20, 20))
        finally:
            for sock in fillers:
                sock.close()

    assert isinstance(caught.value, httpx.ConnectTimeout)
    assert not caught.value.sent


async def test_a_name_is_tried_on_all_its_addresses(upstream, transport, limits) -> None:
    """`localhost` is often ::1 first, and model servers often listen on 127.0.0.1 alone."""
    async with upstream(answer_once) as up:
        assert await fetch(transport, Origin("http", "localhost", up.port), limits) == b"hi"


async def test_ipv6_addresses_work_and_are_bracketed_in_the_host_header(upstream, transport, limits) -> None:
    try:
        free_port("::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    async with upstream(answer_once, host="::1") as up:
        assert await fetch(transport, up.origin, limits) == b"hi"

    assert up.requests[0].headers[b"host"] == b"[::1]:%d" % up.port


async def test_an_unknown_scheme_is_refused(transport, limits) -> None:
    with pytest.raises(ConnectFailedError, match="ftp"):
        await fetch(transport, Origin("ftp", "127.0.0.1", 21), limits)


@pytest.fixture
async def trusting(certificates):
    transport = LeanTransport(ssl_context=certificates.trusting, trust_env=False)
    yield transport
    await transport.aclose()


async def test_tls_with_a_trusted_certificate(upstream, trusting, limits, certificates) -> None:
    async with upstream(answer_once, tls=certificates.server) as up:
        assert await fetch(trusting, up.origin, limits) == b"hi"


async def test_the_name_is_sent_for_the_server_to_choose_a_certificate(
    upstream, trusting, limits, certificates
) -> None:
    names: list[str | None] = []
    certificates.server.sni_callback = lambda _sock, name, _context: names.append(name)
    try:
        async with upstream(answer_once, tls=certificates.server) as up:
            with pytest.raises(TlsError):
                await fetch(trusting, Origin("https", "localhost", up.port), limits)
    finally:
        certificates.server.sni_callback = None

    assert names[0] == "localhost"


async def test_a_large_answer_over_tls_arrives_whole_through_flow_control(
    upstream, trusting, limits, certificates
) -> None:
    size = 6 << 20

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"z" * size)
        await peer.gone()

    async with upstream(script, tls=certificates.server) as up:
        response = await trusting.send(up.origin, b"POST", b"/", [], b"b" * (1 << 20), limits)

        assert await response.read(size) == b"z" * size


async def test_a_certificate_of_an_unknown_authority_is_refused(upstream, transport, limits, certificates) -> None:
    async with upstream(answer_once, tls=certificates.server) as up:
        with pytest.raises(TlsError, match="self-signed") as caught:
            await fetch(transport, up.origin, limits)

    assert not caught.value.sent
    assert up.requests == []


async def test_a_certificate_for_another_name_is_refused(upstream, trusting, limits, certificates) -> None:
    async with upstream(answer_once, tls=certificates.server) as up:
        with pytest.raises(TlsError, match=r"(?i)hostname mismatch"):
            await fetch(trusting, Origin("https", "localhost", up.port), limits)


async def test_a_plain_server_is_no_tls_server(upstream, trusting, limits) -> None:
    async def script(peer):
        await peer.reader.read(10)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        await peer.gone()

    async with upstream(script) as up:
        with pytest.raises(TlsError):
            await fetch(trusting, Origin("https", "127.0.0.1", up.port), limits)


async def test_a_server_that_closes_in_the_handshake_is_a_connect_failure(upstream, trusting, limits) -> None:
    async def script(peer):
        await peer.reader.read(10)

    async with upstream(script) as up:
        with pytest.raises(ConnectFailedError) as caught:
            await fetch(trusting, Origin("https", "127.0.0.1", up.port), limits)

    assert not caught.value.sent


async def test_a_handshake_that_never_ends_is_a_connect_timeout(upstream, trusting) -> None:
    async def script(peer):
        await peer.gone()

    async with upstream(script) as up:
        with pytest.raises(ConnectTimeoutError):
            await fetch(trusting, Origin("https", "127.0.0.1", up.port), Timeouts(0.1, 20, 20))


async def test_cancelling_a_connect_leaves_nothing_behind(upstream, trusting, limits) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def script(peer):
        asked.set()
        await peer.gone()
        gone.set()

    async with upstream(script) as up:
        origin = Origin("https", "127.0.0.1", up.port)
        task = asyncio.create_task(fetch(trusting, origin, limits))
        await asyncio.wait_for(asked.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 20)

    assert trusting.counts()[origin] == (0, 0)


async def test_a_tls_socket_that_merely_ends_is_a_cut_where_only_the_end_frames_the_body(
    upstream, trusting, limits, certificates
) -> None:
    """Without a close_notify anybody on the way may have ended it."""

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\npart")
        await cut.wait()
        # Close the TCP socket under the TLS session.
        peer.writer.transport.abort()

    cut = asyncio.Event()
    async with upstream(script, tls=certificates.server) as up:
        response = await trusting.send(up.origin, b"POST", b"/", [], b"", limits)
        assert await response.read_chunk() == b"part"
        cut.set()
        with pytest.raises(CutBodyError):
            await response.read_chunk()


async def test_a_tls_goodbye_ends_such_a_body(upstream, trusting, limits, certificates) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nwhole")

    async with upstream(script, tls=certificates.server) as up:
        response = await trusting.send(up.origin, b"POST", b"/", [], b"", limits)

        assert await response.read(100) == b"whole"


async def test_the_default_context_verifies(transport) -> None:
    transport.warm()

    assert transport._ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert transport._ssl_context.check_hostname
