"""Images by address (WIRE case 14), over sockets: what reaches a provider that takes bytes, and what is refused."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from proxyctl.gateway.media.addresses import FetchFailedError
from proxyctl.gateway.media.fetching import Fetched, Fetcher
from proxyctl.gateway.transport import LeanTransport
from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import CHAT, MESSAGES, listening

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 9
MODEL = "gemini:gemini-3.8-flash"
Serve = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Web:
    """A web server: `pages` by path are raw answers; `asked` are the heads of requests."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[bytes] = []
        self.port = 0
        self.open = 0

    def url(self, path: str = "/a.png", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head)
            page = self.pages.get(head.split(b" ")[1].decode())
            if page is None:
                await reader.read()  # silent until the gateway gives up
                return
            writer.write(page)
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass  # the gateway has seen enough
        finally:
            self.open -= 1
            writer.close()


def page(body: bytes, kind: str = "image/png", status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{more}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def moved(to: str) -> bytes:
    return page(b"", status="302 Found", more=f"location: {to}\r\n")


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with running() as web:
        yield web


@asynccontextmanager
async def running() -> AsyncIterator[Web]:
    web = Web()
    web.pages["/a.png"] = page(PNG)
    async with listening(web.serve) as web.port:
        yield web


@pytest.fixture
async def transport() -> AsyncIterator[LeanTransport]:
    transport = LeanTransport()
    yield transport
    await transport.aclose()


LISTED = ("127.0.0.1",)


async def test_bytes_come_with_what_their_server_calls_them(web: Web, transport: LeanTransport) -> None:
    fetched = await Fetcher(transport, hosts=LISTED).fetch(web.url(), 5)

    assert fetched == Fetched(PNG, "image/png")
    [head] = web.asked
    assert head.startswith(b"GET /a.png HTTP/1.1\r\n")
    assert b"cookie" not in head.lower()
    assert b"authorization" not in head.lower()
    assert not transport.counts()


async def test_a_redirect_is_followed_and_looked_at(web: Web, transport: LeanTransport) -> None:
    web.pages["/r"] = moved("/a.png")
    web.pages["/private"] = moved(web.url(host="localhost"))
    fetcher = Fetcher(transport, hosts=LISTED)

    assert (await fetcher.fetch(web.url("/r"), 5)).data == PNG
    with pytest.raises(FetchFailedError, match="no public address"):
        await fetcher.fetch(web.url("/private"), 5)
    assert len(web.asked) == 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (moved("/a"), "redirects more than 3 times"),
        (moved("file:///etc/passwd"), "only http and https"),
        (moved("http://[::1/"), "redirects to no valid URL"),
        (page(b"x", status="404 Not Found"), "status 404"),
        (page(b"x" * 2000), "larger than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b"x" * 2000, "larger than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nx", "stopped before the end"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: " + b"0" * 5000 + b"9\r\n\r\nx", "stopped before the end"),
        (b"SSH-2.0-OpenSSH\r\n", "does not answer"),
    ],
)
async def test_what_is_not_fetched(web: Web, transport: LeanTransport, answer: bytes, reason: str) -> None:
    web.pages["/a"] = answer

    with pytest.raises(FetchFailedError, match=reason):
        await Fetcher(transport, hosts=LISTED, most_bytes=1000).fetch(web.url("/a"), 5)


async def test_a_slow_server_is_given_up(web: Web, transport: LeanTransport) -> None:
    with pytest.raises(FetchFailedError, match=r"not come in time|does not answer"):
        await Fetcher(transport, hosts=LISTED).fetch(web.url("/silent"), 0.05)


# Through the gateway.


@pytest.fixture
async def gate(start_gateway: StartGateway, gateway: Gateway) -> Gateway:
    text = gateway.config_file.read_text()
    return await start_gateway(text.replace("[server]", '[server]\nfetch_hosts = ["127.0.0.1"]'))


def chat(*urls: str) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"model": MODEL, "messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, *parts]}]}


def sent(gateway: Gateway) -> list[list[dict[str, Any]]]:
    """The parts of the last message that each request to a provider held."""
    posts = [entry for entry in gateway.simulator.ledger.entries if entry.method == "POST"]
    return [msgspec.json.decode(entry.body)["contents"][-1]["parts"] for entry in posts]


async def test_an_image_reaches_gemini_as_bytes(gate: Gateway, web: Web) -> None:
    answer = await gate.http.post(CHAT, json=chat(web.url(), web.url()))

    assert answer.status_code == 200, answer.text
    inline = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}}
    assert sent(gate) == [[{"text": "see"}, inline, inline]]
    assert len(web.asked) == 1


async def test_a_document_reaches_gemini_as_bytes_or_text(gate: Gateway, web: Web) -> None:
    web.pages["/a.pdf"] = page(b"%PDF-1.4 x", "application/octet-stream")
    web.pages["/a.txt"] = page(b"plain words", "text/plain; charset=utf-8")
    blocks = [{"type": "document", "source": {"type": "url", "url": web.url(path)}} for path in ("/a.pdf", "/a.txt")]
    body = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": blocks}]}

    answer = await gate.http.post(MESSAGES, json=body)

    assert answer.status_code == 200, answer.text
    [[pdf, text]] = sent(gate)
    assert pdf["inlineData"] == {"mimeType": "application/pdf", "data": base64.b64encode(b"%PDF-1.4 x").decode()}
    assert text == {"text": "plain words"}


async def test_a_second_attempt_does_not_fetch_again(gate: Gateway, web: Web) -> None:
    gate.simulator.fault(Fault(kind="status", provider="gemini", status=503))

    answer = await gate.http.post(CHAT, json=chat(web.url()))

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-proxyctl-attempts"] == "2"
    assert len(web.asked) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "169.254.169.254"])
async def test_a_private_address_is_refused_and_not_asked(gateway: Gateway, web: Web, host: str) -> None:
    answer = await gateway.http.post(CHAT, json=chat(web.url(host=host)))

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("media_not_fetched", "messages[0].parts[1]")
    assert "cannot be fetched: it has no public address" in error["message"]
    assert not web.asked
    assert not sent(gateway)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(page(b"<html>", "image/png"), "it is no image"), (page(b"", status="500 Oh no"), "status 500")],
)
async def test_what_is_no_image_is_said(gate: Gateway, web: Web, answer: bytes, reason: str) -> None:
    web.pages["/a.png"] = answer

    told = await gate.http.post(CHAT, json=chat(web.url()))

    assert told.status_code == 400
    assert reason in told.json()["error"]["message"]


async def test_an_address_is_shown_without_what_may_be_secret_in_it(gate: Gateway, web: Web) -> None:
    told = await gate.http.post(CHAT, json=chat(web.url("/a.png?sig=hidden", "me:hidden@127.0.0.1")))

    message = told.json()["error"]["message"]
    assert f"{web.url()} cannot be fetched: a URL with credentials" in message
    assert "hidden" not in message


async def test_a_redirect_to_nonsense_is_no_fault_of_ours(gate: Gateway, web: Web) -> None:
    web.pages["/a.png"] = moved("//[")

    told = await gate.http.post(CHAT, json=chat(web.url()))

    assert told.status_code == 400
    assert told.json()["error"]["code"] == "media_not_fetched"


async def test_a_request_with_too_many_addresses_is_refused(gate: Gateway, web: Web) -> None:
    told = await gate.http.post(CHAT, json=chat(*(web.url(f"/{number}.png") for number in range(21))))

    assert told.status_code == 400
    assert "more than 20" in told.json()["error"]["message"]
    assert not web.asked


async def test_who_takes_addresses_gets_the_address(gate: Gateway, web: Web) -> None:
    body = {**chat(web.url()), "model": "anthropic:claude-opus-5-5"}

    await gate.http.post(CHAT, json=body)

    assert not web.asked
    assert any(web.url().encode() in entry.body for entry in gate.simulator.ledger.entries)


async def test_fetching_may_be_switched_off(start_gateway: StartGateway, gateway: Gateway, web: Web) -> None:
    listed = '[server]\nfetch_media = false\nfetch_hosts = ["127.0.0.1"]'
    gate = await start_gateway(gateway.config_file.read_text().replace("[server]", listed))

    told = await gate.http.post(CHAT, json=chat(web.url()))

    assert told.status_code == 400
    assert "does not fetch images by URL" in told.json()["error"]["message"]
    assert not web.asked
