"""The naive way: a Quart route, an `httpx.AsyncClient`, decode and encode again; the upstream's URL is its argument."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator

import httpx
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response, request


def create_app(upstream: str) -> Quart:
    app = Quart(__name__)
    client = httpx.AsyncClient(base_url=upstream, timeout=60, trust_env=False)

    @app.post("/v1/chat/completions")
    async def chat() -> Response:
        body = json.loads(await request.get_data())
        if not body.get("stream"):
            answer = await client.post("/v1/chat/completions", json=body)
            return Response(json.dumps(answer.json()), content_type="application/json")

        async def frames() -> AsyncIterator[bytes]:
            async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
                async for line in answer.aiter_lines():
                    data = line.removeprefix("data: ")
                    if data == "[DONE]":
                        yield b"data: [DONE]\n\n"
                    elif data:
                        yield b"data: " + json.dumps(json.loads(data)).encode() + b"\n\n"

        response = Response(frames(), content_type="text/event-stream")
        response.timeout = None
        return response

    return app


async def _serve(upstream: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "WARNING"
    with socket.socket(fileno=int(config.bind[0][5:])) as bound:
        sys.stdout.write(f"{bound.getsockname()[1]}\n")
        bound.detach()
    sys.stdout.flush()
    await serve(create_app(upstream), config)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
