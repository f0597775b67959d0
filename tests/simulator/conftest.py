"""A running simulator, ways to talk to it, and the tool that most tests declare."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from proxyctl.simulator import Simulator

WEATHER_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

Post = Callable[..., Awaitable[httpx.Response]]
Frames = Callable[..., Awaitable[list[tuple[str | None, Any]]]]
Exchange = Callable[..., Awaitable[bytes]]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": "Bearer good-key"}
    async with httpx.AsyncClient(base_url=simulator.root, headers=headers, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture
def post(http: httpx.AsyncClient) -> Post:
    """A call that POSTs a JSON body; further arguments are headers, underscores for dashes."""

    async def send(path: str, body: object, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await http.post(path, content=content, headers={"content-type": "application/json", **named})

    return send


@pytest.fixture
def frames(post: Post) -> Frames:
    """A call that POSTs and reads a stream: (event name, data) for each frame; `[DONE]` stays a string."""

    async def stream(path: str, body: object, **headers: str) -> list[tuple[str | None, Any]]:
        response = await post(path, body, **headers)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in response.headers
        return split_frames(response.content)

    return stream


def split_frames(content: bytes) -> list[tuple[str | None, Any]]:
    """A strict reading: an optional event line, one data line, one blank line, nothing else."""
    assert content.endswith(b"\n\n")
    found: list[tuple[str | None, Any]] = []
    for frame in content.removesuffix(b"\n\n").split(b"\n\n"):
        *event, data = frame.split(b"\n")
        assert data.startswith(b"data: ")
        assert len(event) <= 1
        text = data.removeprefix(b"data: ")
        name = event[0].removeprefix(b"event: ").decode() if event else None
        found.append((name, "[DONE]" if text == b"[DONE]" else msgspec.json.decode(text)))
    return found


@pytest.fixture
def exchange(simulator: Simulator) -> Exchange:
    """Send raw bytes on a fresh socket and return all that comes until the other side closes."""

    async def send(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*simulator.address)
        try:
            writer.write(data)
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()

    return send


@pytest.fixture
def weather_schema() -> dict[str, Any]:
    return WEATHER_SCHEMA


@pytest.fixture
def weather_tool() -> dict[str, Any]:
    """The tool in the OpenAI form, which Groq, Together, Cohere and Mistral share."""
    return {
        "type": "function",
        "function": {"name": "get_weather", "description": "Weather of a city", "parameters": WEATHER_SCHEMA},
    }


@pytest.fixture
def png() -> bytes:
    return PNG


@pytest.fixture
def png_url() -> str:
    return "data:image/png;base64," + base64.b64encode(PNG).decode()
