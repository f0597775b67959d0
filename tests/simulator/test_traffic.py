"""The demo's traffic, against the simulator's own servers standing in for a gateway."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from proxyctl.simulator.http_server import Connection, HttpRequest, HttpServer
from proxyctl.simulator.traffic import Progress, Shot, send, shots

Start = Callable[..., Awaitable[str]]


@pytest.fixture
async def gateway() -> AsyncIterator[Start]:
    """A call that starts a server which answers every request through one handler, and gives its URL."""
    opened: list[HttpServer] = []

    async def start(handler: Callable[[HttpRequest, Connection], None]) -> str:
        server = HttpServer(handler)  # type: ignore[arg-type]
        opened.append(server)
        host, port = await server.start("127.0.0.1", 0)
        return f"http://{host}:{port}"

    yield start
    for server in opened:
        await server.stop()


def fine(request: HttpRequest, connection: Connection) -> None:
    model = msgspec.json.decode(request.body)["model"]
    headers = [("x-proxyctl-provider", "groq"), ("x-proxyctl-model", model)]
    connection.send(200, headers, b'{"ok":true}')


def test_a_seed_means_the_same_requests() -> None:
    assert shots(50, 7) == shots(50, 7)
    assert shots(50, 7) != shots(50, 8)


def test_the_mix_holds_everything_worth_seeing() -> None:
    many = shots(400, 1)

    assert {shot.dialect for shot in many} == {"openai-chat", "anthropic-messages"}
    assert {shot.streamed for shot in many} == {True, False}
    assert len({shot.model for shot in many}) > 10
    share = Counter(shot.model == "no-such-model" for shot in many)[True] / len(many)
    assert 0.01 < share < 0.1
    assert any(shot.with_tool for shot in many)


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic-messages"])
def test_bodies_are_what_their_dialect_asks(dialect: str) -> None:
    shot = Shot(dialect=dialect, model="m", prompt="p", streamed=True, with_tool=True)  # type: ignore[arg-type]

    body = shot.body()

    assert body["stream"] is True
    if dialect == "openai-chat":
        assert shot.path == "/v1/chat/completions"
        assert body["tools"][0]["function"]["name"] == "get_weather"
        assert "max_tokens" not in body
    else:
        assert shot.path == "/v1/messages"
        assert body["tools"][0]["name"] == "get_weather"
        assert body["max_tokens"] == 1024


async def test_every_request_is_told_of_once(gateway: Start) -> None:
    url = await gateway(fine)

    told = [progress async for progress in send(url, 20, 3, concurrency=3)]

    assert [progress.done for progress in told] == list(range(1, 21))
    assert {progress.total for progress in told} == {20}
    assert all(progress.status == 200 and progress.error is None for progress in told)
    assert all(progress.provider == "groq" and progress.served == progress.shot.model for progress in told)
    expected = Counter(shot.model for shot in shots(20, 3))
    assert Counter(progress.shot.model for progress in told) == expected


async def test_no_more_at_once_than_asked(gateway: Start) -> None:
    most = running = 0

    def slow(request: HttpRequest, connection: Connection) -> object:
        async def answer() -> None:
            nonlocal most, running
            running += 1
            most = max(most, running)
            for _ in range(20):
                await asyncio.sleep(0)
            running -= 1
            fine(request, connection)

        return answer()

    url = await gateway(slow)

    assert len([progress async for progress in send(url, 30, 1, concurrency=3)]) == 30
    assert most == 3


async def first_failure(url: str) -> Progress:
    (progress,) = [told async for told in send(url, 1, 3)]
    return progress


async def test_an_error_is_told_in_the_gateways_words(gateway: Start) -> None:
    def refuse(request: HttpRequest, connection: Connection) -> None:
        del request
        connection.send(404, [], b'{"error":{"message":"no such model"}}')

    failed = await first_failure(await gateway(refuse))

    assert (failed.status, failed.error) == (404, "no such model")


async def test_an_error_without_words_has_its_status(gateway: Start) -> None:
    def refuse(request: HttpRequest, connection: Connection) -> None:
        del request
        connection.send(502, [], b"<html>")

    assert (await first_failure(await gateway(refuse))).error == "HTTP 502"


@pytest.mark.parametrize(
    "last",
    [b'data: {"error":{"message":"cut"}}\n\n', b'event: error\ndata: {"type":"error","error":{"message":"cut"}}\n\n'],
)
async def test_an_error_inside_a_stream_is_an_error(gateway: Start, last: bytes) -> None:
    def interrupt(request: HttpRequest, connection: Connection) -> None:
        if not msgspec.json.decode(request.body).get("stream"):
            return fine(request, connection)
        connection.begin(200, [])
        connection.chunk(b'data: {"x":1}\n\n' + last)
        return connection.finish()

    url = await gateway(interrupt)

    told = [progress async for progress in send(url, 20, 3)]

    assert {progress.error for progress in told if progress.shot.streamed} == {"cut"}
    assert {progress.error for progress in told if not progress.shot.streamed} == {None}


async def test_a_connection_that_breaks_is_an_error(gateway: Start) -> None:
    def vanish(request: HttpRequest, connection: Connection) -> None:
        del request
        connection.begin_sized(200, [], 100)
        connection.raw(b"half")
        connection.close()

    failed = await first_failure(await gateway(vanish))

    assert failed.error is not None
    assert "peer closed connection" in failed.error


async def test_nobody_there_is_an_error(gateway: Start) -> None:
    url = await gateway(lambda _, connection: connection.reset())

    failed = await first_failure(url)

    assert failed.status is None
    assert failed.error


async def test_leaving_early_cancels_the_rest(gateway: Start) -> None:
    url = await gateway(fine)
    running = send(url, 1000, 1, concurrency=2)

    async for progress in running:
        if progress.done == 5:
            break
    await running.aclose()  # type: ignore[attr-defined]

    assert [task for task in asyncio.all_tasks() if "work" in repr(task.get_coro())] == []
