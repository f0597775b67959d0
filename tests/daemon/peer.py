"""A peer on loopback in a daemon's place, and the state that names it."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from proxyctl.daemon.lock import DaemonState


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[http.server.ThreadingHTTPServer]:
    """Serve with it on a free port, in a thread."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def state_of(server: http.server.ThreadingHTTPServer, *, host: str = "127.0.0.1") -> DaemonState:
    """What a daemon that listens there would have written down; `host` is the address that it was told."""
    return DaemonState(
        host=host,
        port=server.server_address[1],
        pid=1,
        instance="abc",
        version="0.1",
        token="tok",
        started_at=1.0,
        config_path="",
        log_path="",
    )
