"""Servers on this machine are found by what they answer, not by their port alone."""

import contextlib
import http.server
import threading
from collections.abc import Iterator

import pytest

from proxyctl.daemon.neighbours import USUAL, Neighbour, neighbours


@contextlib.contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("body", [b'{"object":"list","data":[{"id":"m"}]}', b'{"object":"list","data":null}'])
def test_a_server_with_a_model_list_is_found(body: bytes) -> None:
    with answering(body) as port:
        assert neighbours([Neighbour("mine", port)]) == (("mine", f"http://127.0.0.1:{port}/v1"),)


@pytest.mark.parametrize(("body", "status"), [(b"<html>", 200), (b'{"data":[]}', 200), (b'{"object":"list"}', 404)])
def test_what_answers_something_else_is_none(body: bytes, status: int) -> None:
    with answering(body, status) as port:
        assert neighbours([Neighbour("web", port)]) == ()


def test_nobody_there_is_nobody() -> None:
    assert neighbours([Neighbour("nobody", 9)]) == ()


def test_the_usual_ports_are_those_of_known_servers() -> None:
    assert {one.name: one.port for one in USUAL} == {
        "ollama": 11434,
        "lm-studio": 1234,
        "llama-cpp": 8080,
        "vllm": 8000,
    }
