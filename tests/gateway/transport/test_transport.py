"""The same exchange through httpx: what its users expect of a transport."""

import asyncio

import httpx
import pytest

from proxyctl.gateway.transport import DisconnectedError, FirstByteTimeoutError, TransportFault, faults

COOKIE = (
    b"HTTP/1.1 201 Created\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
    b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
)


async def cookie_jar(peer) -> None:
    while True:
        await peer.request()
        await peer.send(COOKIE)


@pytest.fixture
async def client(transport):
    async with httpx.AsyncClient(transport=transport, timeout=20) as client:
        yield client


async def test_an_httpx_client_works_over_it(upstream, client) -> None:
    async with upstream(cookie_jar) as up:
        response = await client.post(f"{up.origin.url()}/v1/x?q=a%20b", json={"a": 1}, headers={"X-Test": "yes"})

    request = up.requests[0]
    assert (response.status_code, response.json(), response.http_version) == (201, {}, "HTTP/1.1")
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert request.line == b"POST /v1/x?q=a%20b HTTP/1.1"
    assert request.headers[b"x-test"] == b"yes"
    assert request.body == b'{"a":1}'


async def test_a_streamed_request_body_is_sent_with_its_length(upstream, client) -> None:
    async def body():
        yield b"one "
        yield b"two"

    async with upstream(cookie_jar) as up:
        await client.post(f"{up.origin.url()}/", content=body())

    assert up.requests[0].body == b"one two"
    assert b"transfer-encoding" not in up.requests[0].headers


async def test_bytes_arrive_as_they_come_and_undecoded(upstream, client) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00")

    async with upstream(script) as up, client.stream("GET", f"{up.origin.url()}/") as response:
        assert [piece async for piece in response.aiter_raw()] == [b"\x1f\x8b\x08\x00"]


async def test_the_transport_itself_keeps_no_cookies(upstream, transport) -> None:
    async with upstream(cookie_jar) as up:
        for _ in range(2):
            request = httpx.Request("POST", f"{up.origin.url()}/", content=b"{}")
            await (await transport.handle_async_request(request)).aread()

    assert all(b"cookie" not in request.headers for request in up.requests)


async def test_httpx_timeouts_are_obeyed_and_raised_as_httpx_ones(upstream, client) -> None:
    async def script(peer):
        await peer.request()
        await peer.gone()

    async with upstream(script) as up:
        with pytest.raises(httpx.ReadTimeout) as caught:
            await client.get(f"{up.origin.url()}/", timeout=httpx.Timeout(20, read=0.05))

    assert isinstance(caught.value, FirstByteTimeoutError)


async def test_leaving_a_stream_early_closes_the_connection(upstream, client, transport) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        await peer.gone()

    async with upstream(script) as up:
        async with client.stream("GET", f"{up.origin.url()}/") as response:
            assert await anext(response.aiter_raw()) == b"x"
        async with asyncio.timeout(20):
            while transport.counts()[up.origin] != (0, 0):
                await asyncio.sleep(0)


async def test_a_disconnect_is_httpxs_own_error_with_our_facts(upstream, client) -> None:
    async def script(peer):
        await peer.request()

    async with upstream(script) as up:
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await client.get(f"{up.origin.url()}/")

    assert isinstance(caught.value, DisconnectedError)
    assert caught.value.request.method == "GET"


def test_every_fault_is_also_an_httpx_error_of_its_kind() -> None:
    """Walk the namespace, so that a new fault cannot slip past code that catches httpx's."""
    leaves = [each for each in vars(faults).values() if isinstance(each, type) and issubclass(each, TransportFault)]

    assert len(leaves) == 14
    for leaf in leaves:
        fault = leaf("text", sent=True)
        assert isinstance(fault, httpx.TransportError)
        assert str(fault) == "text"
        if leaf is not TransportFault:
            assert any(base.__module__ == "httpx" for base in leaf.__mro__[1:] if base is not httpx.TransportError)
