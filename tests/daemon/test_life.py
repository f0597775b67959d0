"""The order on the way down, and that nothing can hold it: with parts that write down what they were asked."""

import asyncio
import os
import signal

import pytest

from proxyctl.daemon import life


class Scene:
    """A gateway and a server in one, and the transcript of both."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.stopping = asyncio.Event()
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.in_order = True
        self.drained = asyncio.Event()
        self.drained.set()
        self.app = None

    async def start(self) -> None:
        self.said.append("start")

    async def failed(self) -> None:
        await self.broken

    def stop_accepting(self) -> None:
        self.said.append("stop accepting")

    async def finish(self, seconds: float) -> bool:
        self.said.append(f"finish {seconds:g}")
        return self.in_order

    async def drain(self, seconds: float) -> None:
        self.said.append(f"drain {seconds:g}")
        if seconds:
            await self.drained.wait()

    async def close(self) -> None:
        self.said.append("close")

    async def live(self) -> None:
        await life.live(self, self, lambda _: self.said.append("ready"), drain_seconds=30)


@pytest.fixture
async def scene() -> Scene:
    return Scene()


async def test_each_thing_in_its_order(scene) -> None:
    scene.stopping.set()
    await scene.live()

    assert scene.said == ["start", "ready", "stop accepting", "drain 30", "finish 2"]


async def test_what_did_not_end_in_order_is_closed_by_hand(scene) -> None:
    scene.in_order = False
    scene.stopping.set()
    await scene.live()

    assert scene.said[-2:] == ["finish 2", "close"]


async def test_a_server_that_fails_is_taken_down_in_order_and_its_error_comes_out(scene) -> None:
    scene.broken.set_exception(OSError("the listener broke"))
    with pytest.raises(OSError, match="the listener broke"):
        await scene.live()

    assert scene.said == ["start", "ready", "stop accepting", "drain 30", "finish 2"]


async def test_the_second_signal_ends_the_wait(scene) -> None:
    scene.drained.clear()
    living = asyncio.create_task(scene.live())
    async with asyncio.timeout(20):
        while "ready" not in scene.said:
            await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        while "drain 30" not in scene.said:
            await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGINT)
        await living

    assert scene.said[-2:] == ["drain 0", "finish 2"]


async def test_a_close_that_never_ends_is_left_behind(scene, monkeypatch) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(life, "FLUSH_SECONDS", 0.05)
    scene.in_order = False
    scene.close = never
    scene.stopping.set()

    await asyncio.wait_for(scene.live(), 20)
