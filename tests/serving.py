"""An app behind the daemon's own HTTP server, on this event loop and a free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from quart import Quart

from proxyctl.daemon.http1 import Connections


@asynccontextmanager
async def serving(app: Any, *, idle_seconds: float | None = None) -> AsyncIterator[int]:
    """Serve any ASGI app; yields the port."""
    connections = Connections(app, idle_seconds)
    server = await asyncio.get_running_loop().create_server(connections.open, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await connections.close(1)


@asynccontextmanager
async def serving_quart(app: Quart) -> AsyncIterator[int]:
    """Serve a framework's app, from its startup to its shutdown."""
    await app.startup()
    try:
        async with serving(app.asgi_app) as port:
            yield port
    finally:
        await app.shutdown()
