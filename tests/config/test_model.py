"""The values refuse by themselves what would be wrong, however they are built."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from proxyctl.config.checks import is_loopback
from proxyctl.config.model import ProviderSettings, ServerSettings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_loopback_hosts_need_no_key(host: str) -> None:
    assert is_loopback(host)
    assert ServerSettings(host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "localhost.example", "127.0.0.1.example", "example"])
def test_other_hosts_need_one(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ValidationError, match="without a gateway key"):
        ServerSettings(host=host)
    assert ServerSettings(host=host, keys=("$KEY",)).host == host


def test_host_from_a_command_line_is_checked_too() -> None:
    with pytest.raises(ValidationError, match="without a gateway key"):
        replace(ServerSettings(), host="0.0.0.0")


def test_changed_copy_equals_one_built_so() -> None:
    one = ProviderSettings(name="x", kind="y", mode="off", models={"a": "b"})

    assert replace(one, mode="pooled") == ProviderSettings(name="x", kind="y", mode="pooled", models={"a": "b"})


def test_error_of_a_value_does_not_show_it() -> None:
    with pytest.raises(ValidationError) as caught:
        ProviderSettings(name="x", kind="y", mode="off", keys=("sk-0123456789",))

    assert "sk-0123456789" not in str(caught.value)


@pytest.mark.parametrize(
    "header",
    ["authorization", "Proxy-Authorization", "x-api-key", "X-Goog-Api-Key", "api-key", "cookie", "x-auth-token"],
)
def test_credential_headers_are_known(header: str) -> None:
    with pytest.raises(ValidationError, match="holds a credential"):
        ProviderSettings(name="x", kind="y", mode="off", headers={header: "abc"})
    assert ProviderSettings(name="x", kind="y", mode="off", headers={header: "$ABC"}).headers[header] == "$ABC"


def test_other_headers_are_plain() -> None:
    headers = {"anthropic-version": "2023-06-01", "x-title": "Tokens", "HTTP-Referer": "https://example.org"}

    assert ProviderSettings(name="x", kind="y", mode="off", headers=headers).headers == headers
