"""`python -m proxyctl.simulator`: one line of JSON, requests, a clean end."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest


@pytest.fixture
def process() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "proxyctl.simulator", "--port", "0", "--words", "40"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_and_stops_on_a_signal(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    url = said["providers"]["mistral"]

    with httpx.Client(trust_env=False) as client:
        answer = client.post(
            f"{url}/chat/completions",
            json={"model": "mistral-small-2603", "messages": [{"role": "user", "content": "Hello"}]},
            headers={"authorization": "Bearer k"},
        )
        seen = client.get(f"{said['url']}/_control/requests").json()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)

    assert len(answer.json()["choices"][0]["message"]["content"].split()) == 40
    assert [entry["provider"] for entry in seen] == ["mistral"]
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_says_when_the_port_is_taken(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    port = json.loads(process.stdout.readline())["url"].rpartition(":")[2]

    second = subprocess.run(
        [sys.executable, "-m", "proxyctl.simulator", "--port", port], capture_output=True, text=True, check=False
    )

    assert second.returncode != 0
    assert "address already in use" in second.stderr


def test_imports_nothing_of_the_gateway() -> None:
    """It judges the gateway's codecs, so it may not share them; and a command must be able to import it."""
    script = (
        "import sys, proxyctl.simulator.traffic, proxyctl.simulator.setup, proxyctl.simulator.__main__\n"
        "print(*sorted(name for name in sys.modules if name.startswith(('proxyctl.', 'quart', 'hypercorn', 'httpx'))))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    foreign = [name for name in done.stdout.split() if not name.startswith("proxyctl.simulator")]
    assert foreign == []
