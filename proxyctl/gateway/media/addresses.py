"""Where a caller's address may lead: public hosts, and those that the config lists.

Whoever may ask the gateway could otherwise ask it for what only this machine can reach: other services on it, the
network behind it, a cloud's metadata. So a host is looked up once, every address that it has must be public, and the
connection is made to those very addresses: a name that answers differently the second time gains nothing. What is said
of a host that is refused is the same whether or not it exists.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from proxyctl.gateway.transport import Address, Origin, ResolveError

LONGEST_URL = 8192
NOT_PUBLIC = "it has no public address"

Resolve = Callable[[Origin], Awaitable[Sequence[Address]]]

_PORTS = {"http": 80, "https": 443}
_UNSAFE = frozenset(map(chr, range(0x21))) | {"\x7f", "\\"}
_KEPT = "/?&=%:@!$'()*+,;~[]|-._"
"""What a path and a query keep as it is written; the rest is percent-encoded."""

# What Python calls global, or has called so, and still leads to a private network or to no single host: addresses that
# wrap an IPv4 one, relays, benchmarks, and the one address in public space that clouds answer from inside (Azure).
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)


class FetchFailedError(Exception):
    """An address is not asked, or gives nothing; the text says why, in words that follow "cannot be fetched:"."""


class RefusedAddressError(FetchFailedError):
    """The address is not asked at all."""


class Place(NamedTuple):
    """Where a URL leads: whom to ask, and for what."""

    origin: Origin
    target: bytes


def place_of(url: str) -> Place:
    """Split a URL. Raises `RefusedAddressError` unless it is plain http or https, without credentials."""
    if len(url) > LONGEST_URL or any(letter in _UNSAFE for letter in url):
        raise RefusedAddressError("it is no valid URL")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
        host.encode("idna" if not host.isascii() else "ascii")
        target = quote(parts.path or "/", safe=_KEPT) + (f"?{quote(parts.query, safe=_KEPT)}" if parts.query else "")
    except ValueError:  # UnicodeError too
        raise RefusedAddressError("it is no valid URL") from None
    if parts.scheme not in _PORTS:
        raise RefusedAddressError("only http and https are fetched")
    if not host or "%" in host or port == 0:
        raise RefusedAddressError("it is no valid URL")
    if "@" in parts.netloc:
        raise RefusedAddressError("a URL with credentials is not fetched")
    return Place(Origin(parts.scheme, host, port or _PORTS[parts.scheme]), target.encode())


async def permitted(origin: Origin, hosts: Collection[str], resolve: Resolve) -> Sequence[Address]:
    """The addresses to connect to. `hosts` may be private. Raises `RefusedAddressError`."""
    try:
        addresses = await resolve(origin)
    except ResolveError:
        raise RefusedAddressError(NOT_PUBLIC) from None
    may_be_asked = origin.host.lower() in hosts or all(is_public(address[1][0]) for address in addresses)
    if not addresses or not may_be_asked:
        raise RefusedAddressError(NOT_PUBLIC)
    return addresses


def is_public(text: str) -> bool:
    """Whether an IP address, as the resolver writes it, is one host on the open internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    special = address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    if special or address.is_unspecified or not address.is_global:
        return False
    return not any(address.version == network.version and address in network for network in _NEVER)
