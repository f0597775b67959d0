"""Who gets in: hosts, origins, keys, and the management token."""

import pytest

from proxyctl.core.errors import ForbiddenError, UnauthenticatedError
from proxyctl.gateway.guard import Guard, presented_key

LOCAL = {b"host": b"127.0.0.1:8094"}


@pytest.mark.parametrize("host", [b"127.0.0.1:8094", b"localhost", b"LOCALHOST:1", b"[::1]:8094"])
def test_loopback_names_are_ours(host: bytes) -> None:
    Guard(host="127.0.0.1").check_source({b"host": host})


@pytest.mark.parametrize(
    "host", [b"evil.example", b"127.0.0.1.evil.example", b"localhost.evil:8094", b"[", b"10.0.0.1"]
)
def test_a_rebound_host_name_is_refused(host: bytes) -> None:
    with pytest.raises(ForbiddenError, match="not this gateway"):
        Guard(host="127.0.0.1").check_source({b"host": host})


def test_listed_hosts_and_addresses_of_an_open_gateway_are_ours() -> None:
    Guard(host="127.0.0.1", allowed_hosts=["box.lan"]).check_source({b"host": b"box.lan:8094"})
    Guard(host="0.0.0.0", keys=["k"]).check_source({b"host": b"192.0.2.7:8094"})
    with pytest.raises(ForbiddenError):
        Guard(host="0.0.0.0", keys=["k"]).check_source({b"host": b"rebound.example"})


def test_another_web_page_is_refused_even_on_loopback() -> None:
    guard = Guard(host="127.0.0.1", allowed_origins=["https://app.example"])

    guard.check_source({**LOCAL, b"origin": b"http://127.0.0.1:8094"})
    guard.check_source({**LOCAL, b"origin": b"https://app.example"})
    for origin in (b"http://127.0.0.1:3000", b"https://evil.example", b"null", b""):
        with pytest.raises(ForbiddenError, match="refused"):
            guard.check_source({**LOCAL, b"origin": origin})


def test_a_cross_site_get_without_origin_is_refused() -> None:
    with pytest.raises(ForbiddenError):
        Guard(host="127.0.0.1").check_source({**LOCAL, b"sec-fetch-site": b"cross-site"})


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({b"authorization": b"Bearer right"}, b""),
        ({b"authorization": b"bearer right"}, b""),
        ({b"x-api-key": b"right"}, b""),
        ({b"x-goog-api-key": b"right"}, b""),
        ({}, b"key=right"),
        ({b"x-api-key": b" ", b"authorization": b"Bearer right"}, b""),
    ],
)
def test_every_carrier_of_a_key_is_accepted(headers: dict[bytes, bytes], query: bytes) -> None:
    Guard(host="127.0.0.1", keys=["other", "right"]).check_client(headers, query)


def test_the_first_carrier_counts() -> None:
    assert presented_key({b"x-api-key": b"a", b"authorization": b"Bearer b"}, b"key=c") == b"a"


@pytest.mark.parametrize("headers", [{}, {b"authorization": b"Bearer wrong"}, {b"authorization": b"Basic right"}])
def test_without_the_key_nobody_gets_in(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(UnauthenticatedError):
        Guard(host="127.0.0.1", keys=["right"]).check_client(headers, b"")


def test_a_gateway_that_was_meant_to_be_locked_stays_shut_without_its_keys() -> None:
    with pytest.raises(UnauthenticatedError):
        Guard(host="127.0.0.1", locked=True).check_client({b"x-api-key": b""}, b"")


def test_an_open_gateway_takes_any_key() -> None:
    Guard(host="127.0.0.1").check_client({b"x-api-key": b"whatever"}, b"")


def test_management_reads_are_open_and_writes_need_the_token() -> None:
    guard = Guard(host="127.0.0.1", token="token")

    assert guard.may_manage({}, write=False)
    assert not guard.may_manage({}, write=True)
    assert not guard.may_manage({b"authorization": b"Bearer "}, write=True)
    assert guard.may_manage({b"authorization": b"Bearer token"}, write=True)


def test_with_keys_management_reads_need_one_too() -> None:
    guard = Guard(host="127.0.0.1", keys=["key"], token="token")

    assert not guard.may_manage({}, write=False)
    assert guard.may_manage({b"x-api-key": b"key"}, write=True)
    assert guard.may_manage({b"authorization": b"Bearer token"}, write=False)


def test_no_token_opens_nothing() -> None:
    assert not Guard(host="127.0.0.1").may_manage({b"authorization": b"Bearer x"}, write=True)
