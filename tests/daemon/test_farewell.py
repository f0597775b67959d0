"""What is seen of a daemon that stops, and written down for others."""

import http.server

import pytest

from proxyctl.daemon.farewell import (
    Farewell,
    Progress,
    Watch,
    forget_progress,
    note_progress,
    progress_file,
    read_progress,
)
from proxyctl.daemon.lock import DaemonState
from tests.daemon.peer import serving, state_of


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next of the server's replies, and closes when there is none."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.server.seen.append((self.command, self.path, self.headers["authorization"]))
        if not self.server.replies:
            self.close_connection = True
            return
        status, body = self.server.replies.pop(0)
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 - the library's names

    def log_message(self, *_args) -> None:
        pass


@pytest.fixture
def server():
    with serving(Handler) as server:
        server.replies, server.seen = [], []
        yield server


@pytest.fixture
def state(server) -> DaemonState:
    return state_of(server)


def test_it_is_asked_and_watched_over_one_connection(server, state) -> None:
    server.replies = [(202, b"{}"), (200, b'{"active_exchanges":2}'), (200, b'{"active_exchanges":0,"more":1}')]

    with Farewell(state) as farewell:
        assert farewell.ask()
        assert [farewell.active() for _ in range(4)] == [2, 0, None, None]

    assert server.seen[0] == ("POST", "/daemon/stop", "Bearer tok")
    assert len(server.seen) == 4  # the end was noticed once, and no new connection was made


@pytest.mark.parametrize("reply", [(500, b'{"active_exchanges":2}'), (200, b"<html>"), (200, b"\xff"), (200, b"{}")])
def test_what_is_no_answer_is_no_number(server, state, reply) -> None:
    server.replies = [(202, b"{}"), reply]

    with Farewell(state) as farewell:
        farewell.ask()
        assert farewell.active() is None


def test_a_daemon_may_refuse(server, state) -> None:
    server.replies = [(403, b"{}")]

    with Farewell(state) as farewell:
        assert not farewell.ask()


def test_nobody_there_has_not_agreed(server, state) -> None:
    server.shutdown()
    server.server_close()

    with Farewell(state) as farewell:
        assert not farewell.ask()


def test_each_change_is_told_once_and_noted(paths, state) -> None:
    told: list[int] = []
    watch = Watch(paths, state, told.append, lambda: 7.0)

    for active in (3, 3, None, 2, 2, None):
        watch.saw(active)

    assert (told, watch.active) == ([3, 2], 2)
    assert read_progress(paths, "abc") == Progress(instance="abc", active=2, seen_at=7.0)


def test_what_was_noted_of_another_daemon_counts_for_nothing(paths) -> None:
    note_progress(paths, Progress(instance="abc", active=2, seen_at=1.0))

    assert read_progress(paths, "another") is None
    forget_progress(paths)
    forget_progress(paths)
    assert read_progress(paths, "abc") is None


@pytest.mark.parametrize("data", [b"", b"nonsense", b'{"instance":"abc"}', b"\xff"])
def test_a_note_that_cannot_be_read_is_none(paths, data) -> None:
    paths.state_dir.mkdir(parents=True)
    progress_file(paths).write_bytes(data)

    assert read_progress(paths, "abc") is None


def test_a_folder_that_cannot_be_written_does_not_keep_a_daemon_from_being_stopped(paths, state) -> None:
    paths.state_dir.write_text("no folder")
    told: list[int] = []

    Watch(paths, state, told.append, lambda: 7.0).saw(1)

    assert told == [1]
