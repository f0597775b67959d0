"""Raw loopback upstreams that behave, or misbehave, as a test writes it; every test runs on both event loops."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proxyctl.gateway.transport import LeanTransport, Origin, Timeouts


def pytest_asyncio_loop_factories(config, item):  # noqa: ARG001 - the hook's signature
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@dataclass
class RawRequest:
    line: bytes
    headers: dict[bytes, bytes]
    body: bytes


class Peer:
    """The upstream's end of one connection."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    async def request(self) -> RawRequest:
        head = await self.reader.readuntil(b"\r\n\r\n")
        line, *rest = head[:-4].split(b"\r\n")
        headers = {}
        for each in rest:
            name, _, value = each.partition(b": ")
            headers[name.lower()] = value
        body = await self.reader.readexactly(int(headers.get(b"content-length", b"0")))
        return RawRequest(line, headers, body)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Returns when the gateway has closed its end."""
        try:
            while await self.reader.read(65536):
                pass
        except OSError:
            pass

    def reset(self) -> None:
        """Close with a TCP reset, as a crashed upstream's kernel does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class Upstream:
    port: int
    scheme: str = "http"
    host: str = "127.0.0.1"
    connections: int = 0
    requests: list[RawRequest] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    @property
    def origin(self) -> Origin:
        return Origin(self.scheme, self.host, self.port)


@asynccontextmanager
async def open_upstream(
    script: Script, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Upstream]:
    upstream = Upstream(0, "https" if tls else "http", host)
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        running.add(task)
        upstream.connections += 1
        peer = Peer(upstream.connections, reader, writer)
        plain = peer.request

        async def recorded() -> RawRequest:
            request = await plain()
            upstream.requests.append(request)
            return request

        peer.request = recorded
        try:
            await script(peer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # the gateway hung up first, as many tests want
        except asyncio.CancelledError:
            pass
        except BaseException as exc:  # noqa: BLE001 - shown by the test below, whatever it is
            upstream.errors.append(exc)
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        if running:
            await asyncio.wait(list(running))
        await server.wait_closed()
    assert upstream.errors == []


@pytest.fixture
def upstream():
    """A context manager that serves each connection by a script."""
    return open_upstream


@pytest.fixture
def limits() -> Timeouts:
    """Long enough to mean a hang when reached."""
    return Timeouts(connect=20, first_byte=20, idle=20)


@pytest.fixture
async def transport() -> AsyncIterator[LeanTransport]:
    transport = LeanTransport(trust_env=False)
    yield transport
    await transport.aclose()


@pytest.fixture
def get(transport, limits):
    """Sends a small POST to an upstream and reads the whole answer."""

    async def fetch(up: Upstream, body: bytes = b"{}", method: bytes = b"POST") -> tuple[int, bytes]:
        response = await transport.send(up.origin, method, b"/v1/x", [], body, limits)
        try:
            return response.status, await response.read(1 << 24)
        finally:
            await response.aclose()

    return fetch


@dataclass(frozen=True)
class Certificates:
    """A private authority: what a server shows, and what a client trusts."""

    server: ssl.SSLContext
    trusting: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("upstream.localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Certificates(server, ssl.create_default_context(cafile=str(folder / "cert.pem")))
