"""Open a socket to an origin: name, TCP, TLS, each failing as itself.

Addresses are tried as RFC 8305 says, a second one when the first has not answered for a quarter of a second, because a
machine with broken IPv6 must not wait out its connect limit; uvloop's own `create_connection` tries them one by one.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest

from proxyctl.gateway.transport.connection import Connection
from proxyctl.gateway.transport.faults import ConnectFailedError, ConnectTimeoutError, ResolveError, TlsError
from proxyctl.gateway.transport.head import Origin

_STAGGER = 0.25

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


async def dial(
    origin: Origin,
    make: Callable[[], Connection],
    context: ssl.SSLContext | None,
    limit: float,
    addresses: Sequence[Address] = (),
) -> Connection:
    """Connect within `limit` seconds; `context` for TLS, `addresses` where the name is looked up already.

    Raises `ConnectFailedError` or `ConnectTimeoutError`.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(limit if limit < float("inf") else None):
            sock = await _first_socket(addresses or await addresses_of(origin))
            try:
                _transport, connection = await loop.create_connection(
                    make,
                    sock=sock,
                    ssl=context,
                    server_hostname=origin.host.rstrip(".") if context is not None else None,
                )
            except BaseException:
                sock.close()
                raise
    except TimeoutError:
        raise ConnectTimeoutError(f"no connection to {origin.url()} within {limit:g} s") from None
    except ssl.SSLError as exc:
        raise TlsError(f"no TLS session with {origin.url()}: {_tls_reason(exc)}") from exc
    except OSError as exc:
        raise ConnectFailedError(f"cannot connect to {origin.url()}: {exc.strerror or exc}") from exc
    return connection


def _tls_reason(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return exc.verify_message
    return exc.reason or str(exc)


async def addresses_of(origin: Origin) -> list[Address]:
    """The addresses of a host, families alternating, the system's preferred one first. Raises `ResolveError`."""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(origin.host).version == 4:
            return [(socket.AF_INET, (origin.host, origin.port))]
        return [(socket.AF_INET6, (origin.host, origin.port, 0, 0))]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        raise ResolveError(f"the host {origin.host!r} has no address: {exc}") from exc
    addresses: list[Address] = [(info[0], info[4]) for info in found]  # type: ignore[misc]  # inet families only
    first = addresses[0][0]
    preferred = [address for address in addresses if address[0] == first]
    other = [address for address in addresses if address[0] != first]
    return [address for address in chain.from_iterable(zip_longest(preferred, other)) if address is not None]


async def _first_socket(addresses: Sequence[Address]) -> socket.socket:
    """The first address that answers; an `OSError` that names every failure when none does."""
    if len(addresses) == 1:
        return await _connect(addresses[0])
    waiting = list(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    errors: list[OSError] = []
    winner: socket.socket | None = None
    try:
        while winner is None and (waiting or running):
            if waiting:
                running.add(asyncio.create_task(_connect(waiting.pop(0))))
            done, running = await asyncio.wait(
                running, timeout=_STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                error = task.exception()
                if error is None and winner is None:
                    winner = task.result()
                elif error is None:
                    task.result().close()
                elif isinstance(error, OSError):
                    errors.append(error)
                else:
                    raise error
    finally:
        await _discard(running)
    if winner is None:
        raise OSError("; ".join(dict.fromkeys(error.strerror or str(error) for error in errors)))
    return winner


async def _discard(tasks: set[asyncio.Task[socket.socket]]) -> None:
    """Stop the tries that lost, and close the sockets of those that won too late."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, socket.socket):
            outcome.close()


async def _connect(address: Address) -> socket.socket:
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A model may think for minutes in silence: let the kernel notice a dead peer meanwhile.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock
