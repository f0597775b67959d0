"""A tiny gateway in place of the real one, run as the daemon's own process: `python stand_in.py --fd …`.

It answers what the daemon's life needs (`/healthz`, `/daemon/stop`) and has a few exchanges that tests hold open.
`STAND_IN` names a misbehaviour: `die`, `hang`, `lifespan`, `deaf`, `asleep`, `cut`.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from proxyctl.config.kinds import KindFacts
from proxyctl.config.load import load
from proxyctl.daemon.child import Launch, Parts, run
from proxyctl.daemon.serve import HypercornServer, run_on_loop

BEHAVIOUR = os.environ.get("STAND_IN", "")
KINDS = {"local": KindFacts("local", ("LOCAL_KEY",), False, True, "http://127.0.0.1:1", "Local server")}


class StandIn:
    """Implements the daemon's `Gateway`, and is its ASGI app."""

    def __init__(self, launch: Launch) -> None:
        if BEHAVIOUR == "die":
            sys.stderr.write("it broke with authorization: Bearer sk-very-secret-123456\n")
            sys.exit(3)
        if BEHAVIOUR == "hang":
            sys.stderr.write("about to wait\n")
            sys.stderr.flush()
            time.sleep(600)
        self.launch = launch
        self.app = self
        self.stopping = asyncio.Event()
        self.draining = asyncio.Event()
        self.release = asyncio.Event()
        self.exchanges: set[asyncio.Task] = set()

    def providers(self):
        return ("Local server: pooled",)

    def notes(self):
        return ("a note",)

    def redact(self, text):
        return text.replace("sk-known", "***")

    async def drain(self, seconds):
        self.draining.set()
        if BEHAVIOUR == "deaf":
            await asyncio.Event().wait()
        if BEHAVIOUR == "asleep":
            time.sleep(600)  # noqa: ASYNC251 - a process that no signal but SIGKILL ends
        if self.exchanges:
            await asyncio.wait(self.exchanges, timeout=seconds)
        for task in self.exchanges:
            task.cancel()

    async def reload(self):
        load(self.launch.paths.config_file, KINDS)
        return ("nothing with sk-known",)

    async def close(self):
        (self.launch.paths.state_dir / "closed").write_text("close")

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        path = scope["path"]
        if path == "/healthz":
            return await answer(send, 200, {"instance": self.launch.instance})
        if path == "/where":
            return await answer(send, 200, {"cwd": str(Path.cwd()), "folder": str(self.launch.folder)})
        if path == "/release":
            self.release.set()
            return await answer(send, 200, {})
        if path == "/daemon/stop":
            if (b"authorization", f"Bearer {self.launch.token}".encode()) not in scope["headers"]:
                return await answer(send, 401, {})
            await answer(send, 202, {})
            self.stopping.set()
            return None
        if path == "/daemon/status":
            return await answer(send, 200, {"active_exchanges": len(self.exchanges)})
        if path == "/exchange":
            self.exchanges.add(asyncio.current_task())
            try:
                return await stream(send, [b"begun ", self.release, b"ended"])
            finally:
                self.exchanges.discard(asyncio.current_task())
        # Endless, and no exchange: a log that somebody follows.
        return await stream(send, [b"begun ", asyncio.Event()])

    async def _lifespan(self, receive, send):
        await receive()
        if BEHAVIOUR == "lifespan":
            return await send({"type": "lifespan.startup.failed", "message": "no store"})
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if BEHAVIOUR == "cut":
            await asyncio.Event().wait()
        (self.launch.paths.state_dir / "closed").write_text("lifespan")
        return await send({"type": "lifespan.shutdown.complete"})


async def answer(send, status, value):
    body = json.dumps(value).encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def stream(send, steps):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for step in steps:
        if isinstance(step, asyncio.Event):
            await step.wait()
        else:
            await send({"type": "http.response.body", "body": step, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def first(paths, sources):
    found = sources.dotenv.get("LOCAL_KEY", "none")
    paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text("[server]\nport = 0\n[providers.local]\n")
    return (f"wrote {paths.config_file}", f"key in .env: {found}")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], Parts(KINDS, StandIn, HypercornServer, first, run_on_loop)))
