"""Who answers is made sure of before anything is believed or told."""

from __future__ import annotations

import pytest
from msgspec import structs

from proxyctl.admin import schema
from proxyctl.client.errors import ForeignError, NotRunningError, StrangerError
from proxyctl.client.identity import confirm

from .stand_in import StandIn, whole

STATUS = schema.DaemonStatus(
    pid=1,
    instance="another",
    version="0.1.0",
    address="http://127.0.0.1:8094",
    started_at=0.0,
    uptime_seconds=1.0,
    config_path="/their/config.toml",
    log_path="/l",
    active_exchanges=0,
)


def test_the_instance_that_was_started_is_asked_nothing_else(daemon: StandIn) -> None:
    confirm(daemon.endpoint, instance=daemon.instance, config_path="/c")

    assert [one.path for one in daemon.looks] == ["/healthz"]
    assert daemon.received == []


@pytest.mark.parametrize("instance", ["of-a-start-before", None])
def test_another_home_s_daemon_is_named_by_its_config(daemon: StandIn, instance: str | None) -> None:
    daemon.answers("GET", "/daemon/status", STATUS)

    with pytest.raises(ForeignError) as caught:
        confirm(daemon.endpoint, instance=instance, config_path="/my/config.toml")

    assert caught.value.config_path == "/their/config.toml"
    assert isinstance(caught.value, NotRunningError)  # ours does not run


def test_an_old_start_of_the_same_config_is_not_the_one_that_was_started(daemon: StandIn) -> None:
    """Its token is another, and it was started in another home: only the state file's instance is ours."""
    daemon.answers("GET", "/daemon/status", structs.replace(STATUS, config_path="/c"))

    with pytest.raises(ForeignError):
        confirm(daemon.endpoint, instance="of-a-start-before", config_path="/c")


def test_without_a_known_start_the_config_decides(daemon: StandIn) -> None:
    daemon.answers("GET", "/daemon/status", structs.replace(STATUS, config_path="/c"))

    confirm(daemon.endpoint, instance=None, config_path="/c")


@pytest.mark.parametrize(
    "reply", [whole(b"{}", "application/json", 401), whole(b"<html>", "text/html"), whole(b"\xff", "application/json")]
)
def test_a_daemon_that_tells_nothing_is_foreign(daemon: StandIn, reply) -> None:
    daemon.says("GET", "/daemon/status", reply)

    with pytest.raises(ForeignError) as caught:
        confirm(daemon.endpoint, instance=None, config_path="/c")

    assert caught.value.config_path == ""


@pytest.mark.parametrize(
    "reply",
    [
        whole(b"<html>", "text/html"),
        whole(b"[]", "application/json"),
        whole(b"\xff", ""),
        whole(b"no", "text/plain", 404),
    ],
)
def test_what_is_no_daemon_is_a_stranger(daemon: StandIn, reply) -> None:
    daemon.says("GET", "/healthz", reply)

    with pytest.raises(StrangerError, match="does not answer as a proxyctl daemon"):
        confirm(daemon.endpoint, instance=None, config_path="/c")


def test_the_token_is_not_told_before_the_answer_is_known(daemon: StandIn) -> None:
    daemon.answers("GET", "/daemon/status", STATUS)

    with pytest.raises(ForeignError):
        confirm(daemon.endpoint, instance=None, config_path="/my/config.toml")

    assert all("authorization" not in one.headers for one in [*daemon.looks, *daemon.received])
