"""A simulator and a daemon for all of a worker's tests, both real processes, and the official SDKs pointed at it.

What a test leaves behind (faults, cooldowns, a changed config) is taken away before the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from .home import Home
from .simulated import Simulated, config, simulator_process
from .targets import TARGETS, Target

SetUp = Callable[[str], None]


@pytest.fixture(scope="session")
def simulator_of_worker() -> Iterator[Simulated]:
    with simulator_process() as simulated:
        yield simulated


@pytest.fixture(scope="session")
def daemon_of_worker(simulator_of_worker: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Started and stopped by the command."""
    with Home(tmp_path_factory.mktemp("proxyctl")) as home:
        home.config_file.write_text(config(simulator_of_worker))
        home.run("start")
        yield home
        home.run("stop")


@pytest.fixture
def simulated(simulator_of_worker: Simulated) -> Simulated:
    simulator_of_worker.reset()
    return simulator_of_worker


@pytest.fixture
def daemon(daemon_of_worker: Home, simulated: Simulated) -> Home:
    """The running daemon, without waits that an earlier test caused."""
    del simulated
    for row in daemon_of_worker.get("/providers/status")["providers"]:
        daemon_of_worker.post(f"/providers/{row['name']}/reset")
    return daemon_of_worker


@pytest.fixture
def configured(daemon: Home, simulated: Simulated) -> Iterator[SetUp]:
    """Puts another config in force for one test, and sets the counters to zero."""

    def set_up(text: str) -> None:
        daemon.config_file.write_text(text)
        daemon.post("/daemon/reload")
        daemon.post("/providers/metrics/reset")

    set_up(config(simulated))
    yield set_up
    set_up(config(simulated))


@pytest.fixture
def new_home(tmp_path: Path, simulated: Simulated) -> Iterator[Home]:
    """A home of the test's own, with a config and no daemon yet."""
    with Home(tmp_path / "home") as home:
        home.config_file.write_text(config(simulated))
        yield home


@pytest.fixture(params=TARGETS, ids=str)
def target(request: pytest.FixtureRequest) -> Target:
    found: Target = request.param
    return found


@pytest.fixture(scope="session")
def openai_of_worker(daemon_of_worker: Home) -> Iterator[dict[bool, openai.OpenAI]]:
    with openai_client(daemon_of_worker, strict=True) as strict, openai_client(daemon_of_worker, strict=False) as lax:
        yield {True: strict, False: lax}


def openai_client(home: Home, *, strict: bool) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{home.url}/v1",
        api_key="the gateway asks for none",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False),
        _strict_response_validation=strict,
    )


@pytest.fixture
def strict_openai(daemon: Home, openai_of_worker: dict[bool, openai.OpenAI]) -> openai.OpenAI:
    """OpenAI's SDK, which refuses every answer that its types do not describe."""
    del daemon
    return openai_of_worker[True]


@pytest.fixture
def lax_openai(daemon: Home, openai_of_worker: dict[bool, openai.OpenAI]) -> openai.OpenAI:
    """OpenAI's SDK as everybody uses it: it takes what comes."""
    del daemon
    return openai_of_worker[False]


@pytest.fixture(scope="session")
def anthropic_of_worker(daemon_of_worker: Home) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        base_url=daemon_of_worker.url,
        api_key="the gateway asks for none",
        max_retries=0,
        http_client=anthropic.DefaultHttpxClient(trust_env=False),
        _strict_response_validation=True,
    ) as client:
        yield client


@pytest.fixture
def strict_anthropic(daemon: Home, anthropic_of_worker: anthropic.Anthropic) -> anthropic.Anthropic:
    """Anthropic's SDK, which refuses every answer that its types do not describe."""
    del daemon
    return anthropic_of_worker
