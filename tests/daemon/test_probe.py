"""Only the instance that the state file names counts as the daemon, whoever answers at its address."""

import http.server

import pytest

from proxyctl.daemon.lock import DaemonLock, DaemonState, write_state
from proxyctl.daemon.probe import Running, Silent, Stopped, answers, ask, look
from tests.daemon.peer import serving, state_of


class Handler(http.server.BaseHTTPRequestHandler):
    status = 200
    body = b'{"instance":"abc","version":"0.1","ok":true}'
    seen: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers["authorization"]))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_args) -> None:
        pass


@pytest.fixture
def server():
    with serving(Handler) as server:
        server.status, server.body, server.seen = 200, b'{"instance":"abc","ok":true}', []
        yield server


@pytest.fixture
def state(server) -> DaemonState:
    return state_of(server, host="0.0.0.0")


@pytest.fixture
def lock(paths):
    lock = DaemonLock(paths)
    lock.acquire()
    yield lock
    lock.release()


def test_nobody_holds_the_lock(paths, state, server) -> None:
    """Whatever the file says and whoever answers."""
    write_state(paths, state)

    assert look(paths) == Stopped()
    assert server.seen == []


@pytest.mark.usefixtures("lock")
def test_the_named_instance_answers(paths, state, server) -> None:
    write_state(paths, state)

    assert look(paths) == Running(state)
    assert server.seen == [("/healthz", "Bearer tok")]


@pytest.mark.usefixtures("lock")
def test_a_held_lock_without_a_state_is_somebody_starting(paths) -> None:
    assert look(paths) == Silent(None)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"instance":"other"}'), (500, b'{"instance":"abc"}'), (200, b"<html>"), (200, b"\xff"), (200, b"[]")],
)
@pytest.mark.usefixtures("lock")
def test_somebody_else_at_that_address_is_not_the_daemon(paths, state, server, status, body) -> None:
    server.status, server.body = status, body
    write_state(paths, state)

    assert look(paths) == Silent(state)


def test_nobody_at_that_address_is_not_the_daemon(state, server) -> None:
    server.shutdown()
    server.server_close()

    assert not answers(state)


def test_a_request_carries_the_token(state, server) -> None:
    assert ask(state, "GET", "/x") == (200, server.body)
    assert server.seen == [("/x", "Bearer tok")]
