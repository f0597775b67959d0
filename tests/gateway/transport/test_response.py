"""The buffer between a connection and its one reader."""

import asyncio

import pytest

from proxyctl.gateway.transport import AnswerTooLargeError, CutBodyError, LeanResponse


class RecordingSource:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def resume(self) -> None:
        self.calls.append("resume")

    def abort(self) -> None:
        self.calls.append("abort")


@pytest.fixture
def source() -> RecordingSource:
    return RecordingSource()


@pytest.fixture
def response(source) -> LeanResponse:
    return LeanResponse(source, reused=False)


async def test_what_arrived_together_is_read_together(response) -> None:
    response.feed(b"one ")
    response.feed(b"two")
    response.finish()

    assert [chunk async for chunk in response.chunks()] == [b"one two"]


async def test_the_reader_wakes_for_bytes_that_come_later(response) -> None:
    reading = asyncio.create_task(response.read_chunk())
    await asyncio.sleep(0)
    response.feed(b"late")
    response.wake()

    assert await reading == b"late"


async def test_what_arrived_before_a_cut_is_read_before_the_fault(response) -> None:
    response.feed(b"half")
    response.fail(CutBodyError("cut", sent=True, response_started=True))

    assert await response.read_chunk() == b"half"
    with pytest.raises(CutBodyError):
        await response.read_chunk()
    with pytest.raises(CutBodyError):
        await response.read(100)


async def test_a_fault_wakes_the_reader(response) -> None:
    reading = asyncio.create_task(response.read(100))
    await asyncio.sleep(0)
    response.fail(CutBodyError("cut"))

    with pytest.raises(CutBodyError):
        await reading


async def test_reading_tells_the_connection_to_go_on(response, source) -> None:
    response.feed(b"x")
    await response.read_chunk()

    assert source.calls == ["resume"]
    assert response.buffered == 0


async def test_a_cancelled_read_closes_the_connection(response, source) -> None:
    reading = asyncio.create_task(response.read_chunk())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert source.calls == ["abort"]


async def test_a_body_over_the_limit_is_refused_and_its_connection_closed(response, source) -> None:
    response.feed(b"12345")
    with pytest.raises(AnswerTooLargeError) as caught:
        await response.read(4)

    assert "abort" in source.calls
    assert caught.value.response_started


async def test_a_body_of_exactly_the_limit_is_read(response) -> None:
    response.feed(b"1234")
    response.finish()

    assert await response.read(4) == b"1234"


async def test_closing_twice_closes_once(response, source) -> None:
    await response.aclose()
    await response.aclose()

    assert source.calls == ["abort"]


async def test_closing_a_complete_response_leaves_the_connection_alone(response, source) -> None:
    """It may serve another request by now."""
    response.finish()
    await response.aclose()

    assert source.calls == []
