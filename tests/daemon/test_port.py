"""Taking a port, and naming who has it."""

import os
import socket

import psutil
import pytest

from proxyctl.daemon.errors import CannotListenError, PortTakenError
from proxyctl.daemon.port import Owner, listen, owner_of


def test_a_socket_that_listens_is_had_at_once() -> None:
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=20):
            pass

        assert owner_of(port).pid == os.getpid()


def test_a_name_of_this_machine_is_listened_on_where_clients_look_first() -> None:
    with listen("localhost", 0) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


def test_a_taken_port_is_known_before_anything_else() -> None:
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(PortTakenError) as caught:
            listen("127.0.0.1", port)

    assert f"port {port} on 127.0.0.1 is taken by" in str(caught.value)


def test_a_port_is_free_again_at_once_after_its_owner_ended() -> None:
    """With a client's connection still in TIME_WAIT, as after any restart."""
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=20):
            accepted, _ = sock.accept()
            accepted.close()
    listen("127.0.0.1", port).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
def test_an_address_that_is_not_here_is_said(host) -> None:
    with pytest.raises(CannotListenError, match=r"192\.0\.2\.1|a\.\.b"):
        listen(host, 0)


@pytest.mark.parametrize("error", [psutil.AccessDenied(), PermissionError(13, "no")])
def test_without_the_right_to_ask_for_all_our_own_processes_are_asked(monkeypatch, error) -> None:
    """On macOS only root may list everybody's connections."""

    def refuse(_kind: str) -> None:
        raise error

    with listen("127.0.0.1", 0) as sock:
        monkeypatch.setattr(psutil, "net_connections", refuse)

        assert owner_of(sock.getsockname()[1]).pid == os.getpid()


def test_nobody_is_named_where_nobody_listens() -> None:
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]

    assert owner_of(port) is None
    assert str(PortTakenError("127.0.0.1", port, None)).endswith("by another program")


def test_an_owner_reads_as_a_sentence_part() -> None:
    assert str(Owner(7, "nginx", "nginx -g x")) == "nginx (pid 7: nginx -g x)"
    assert str(Owner(7, "nginx")) == "nginx (pid 7)"


def test_the_hint_names_a_port_that_exists() -> None:
    assert "--port 8095" in PortTakenError("h", 8094, None).hint
    assert "--port 8094" in PortTakenError("h", 65_535, None).hint
