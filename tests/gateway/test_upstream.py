"""The one place where transport faults become our errors."""

import inspect

import pytest

from proxyctl.core.errors import ConnectError, CutError, GarbageError, NoAnswerError
from proxyctl.gateway import transport as wire
from proxyctl.gateway.transport import Origin
from proxyctl.gateway.upstream import FAULTS, split_url, upstream_error


def test_every_fault_of_the_transport_has_a_rule() -> None:
    """A new class must not slip through as an unhandled exception."""
    classes = {
        member
        for _, member in inspect.getmembers(wire, inspect.isclass)
        if issubclass(member, wire.TransportFault) and member is not wire.TransportFault
    }

    assert classes == set(FAULTS)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (wire.ResolveError("x"), ConnectError),
        (wire.DisconnectedError("x", sent=True), NoAnswerError),
        (wire.FirstByteTimeoutError("x", sent=True), NoAnswerError),
        (wire.IdleTimeoutError("x", sent=True, response_started=True), CutError),
        (wire.CutBodyError("x", sent=True, response_started=True), CutError),
        (wire.InvalidResponseError("x", sent=True), GarbageError),
    ],
)
def test_a_fault_becomes_the_error_that_says_what_is_safe(fault: wire.TransportFault, error: type) -> None:
    assert type(upstream_error(fault)) is error


def test_a_connection_fault_after_sending_is_not_called_unsent() -> None:
    error = upstream_error(wire.ConnectFailedError("x", sent=True))

    assert isinstance(error, NoAnswerError)
    assert error.sent


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example.com", (Origin("https", "api.example.com", 443), "")),
        ("http://127.0.0.1:8000/v1/", (Origin("http", "127.0.0.1", 8000), "/v1")),
        ("http://[::1]:81/a/b", (Origin("http", "::1", 81), "/a/b")),
    ],
)
def test_a_base_url_splits_into_origin_and_path(url: str, expected: tuple[Origin, str]) -> None:
    assert split_url(url) == expected


@pytest.mark.parametrize("url", ["ftp://x", "nothing", "http://", "https:///v1"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no http"):
        split_url(url)
