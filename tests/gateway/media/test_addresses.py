"""Which addresses may be asked: only what is public, looked up once."""

from __future__ import annotations

import socket

import pytest

from proxyctl.gateway.media.addresses import NOT_PUBLIC, RefusedAddressError, is_public, permitted, place_of
from proxyctl.gateway.transport import Address, Origin, ResolveError

PUBLIC = "93.184.216.34"


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.5",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378::1",
        "fd00:ec2::254",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "localhost",
    ],
)
def test_addresses_that_are_not_one_public_host(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("http://a.example", Origin("http", "a.example", 80), b"/"),
        ("https://A.example:8443/x/y.png?a=1&b=%20#part", Origin("https", "a.example", 8443), b"/x/y.png?a=1&b=%20"),
        ("HTTPS://a.example./é.png", Origin("https", "a.example", 443), b"/%C3%A9.png"),
        ("http://[::1]:81/x", Origin("http", "::1", 81), b"/x"),
    ],
)
def test_a_url_is_split(url: str, origin: Origin, target: bytes) -> None:
    assert place_of(url) == (origin, target)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/x",
        "file:///etc/passwd",
        "gopher://a.example",
        "http://",
        "http:///x",
        "http://a.example:0/",
        "http://a.example:99999/",
        "http://a.example:x/",
        "http://user:secret@a.example/",
        "http://a.example\\@127.0.0.1/",
        "http://a.example/\r\nx: y",
        "http://a.example/a b",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://ü" + "a" * 64 + ".example/",
        "http://a.example/" + "x" * 9000,
    ],
)
def test_urls_that_are_not_asked(url: str) -> None:
    with pytest.raises(RefusedAddressError) as refused:
        place_of(url)

    assert "secret" not in str(refused.value)


def answering(*addresses: str) -> object:
    async def resolve(origin: Origin) -> list[Address]:
        if not addresses:
            raise ResolveError("no such name")
        return [
            (socket.AF_INET6, (one, origin.port, 0, 0)) if ":" in one else (socket.AF_INET, (one, origin.port))
            for one in addresses
        ]

    return resolve


async def ask(host: str, *addresses: str, hosts: frozenset[str] = frozenset()) -> list[str]:
    found = await permitted(Origin("http", host, 80), hosts, answering(*addresses))  # type: ignore[arg-type]
    return [address[1][0] for address in found]


async def test_the_addresses_that_were_looked_at_are_the_ones_to_connect_to() -> None:
    assert await ask("a.example", PUBLIC, "2606:2800:220:1:248:1893:25c8:1946") == [
        PUBLIC,
        "2606:2800:220:1:248:1893:25c8:1946",
    ]


@pytest.mark.parametrize("addresses", [("10.0.0.5",), (PUBLIC, "127.0.0.1"), ("::1", PUBLIC), ()], ids=str)
async def test_one_private_address_refuses_a_host_like_one_that_does_not_exist(addresses: tuple[str, ...]) -> None:
    with pytest.raises(RefusedAddressError, match=f"^{NOT_PUBLIC}$"):
        await ask("a.example", *addresses)


async def test_a_listed_host_may_be_private() -> None:
    assert await ask("Pictures.lan", "10.0.0.5", hosts=frozenset({"pictures.lan"})) == ["10.0.0.5"]

    with pytest.raises(RefusedAddressError):
        await ask("other.lan", "10.0.0.5", hosts=frozenset({"pictures.lan"}))
