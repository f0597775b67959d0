"""The simulator as a process of its own, and the control API through which tests plan faults and read its ledger."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from .home import KEY_VARIABLE, SECONDS


@dataclass(frozen=True)
class Seen:
    """One generation request as a simulated provider received it. `usage` is what it told its caller, if anything."""

    provider: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes
    status: int | None
    usage: dict[str, int] | None
    client_closed_early: bool


class Simulated:
    """`urls` are base URLs by provider, as a config would hold them."""

    def __init__(self, url: str, urls: dict[str, str], http: httpx.Client) -> None:
        self.url = url
        self.urls = urls
        self._http = http

    def fault(self, kind: str, provider: str, **more: Any) -> None:
        """Let the next request meet a fault (`times=None`: all of them)."""
        self._post("faults", {"kind": kind, "provider": provider, **more})

    def script(self, *turns: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Let the next answers call tools: each turn is the calls of one answer, as names and arguments."""
        planned = [{"calls": [{"tool": tool, "arguments": arguments} for tool, arguments in turn]} for turn in turns]
        self._post("turns", planned)

    def scripted(self) -> int:
        """How many turns nobody has taken yet."""
        return len(self._http.get(f"{self.url}/_control/turns").json())

    def pace(self, delay: float = 0.0, words: int = 0) -> None:
        """Seconds between two frames of a stream, words in an answer."""
        self._post("pace", {"delay": delay, "words": words})

    def reset(self) -> None:
        """Forget faults, turns, requests, sums and the pace."""
        self._post("reset", None)
        self.pace()

    def seen(self, provider: str | None = None) -> list[Seen]:
        """The generation requests, oldest first."""
        params = {"provider": provider} if provider else {}
        entries = self._http.get(f"{self.url}/_control/requests", params=params).json()
        return [_seen(entry) for entry in entries if entry["method"] == "POST"]

    def usage(self) -> dict[str, dict[str, dict[str, int]]]:
        """Sums of what was reported, by provider and model."""
        sums: dict[str, dict[str, dict[str, int]]] = self._http.get(f"{self.url}/_control/usage").json()
        return sums

    def _post(self, action: str, body: Any) -> None:
        answer = self._http.post(f"{self.url}/_control/{action}", json=body)
        assert answer.status_code == 200, answer.text


def _seen(entry: dict[str, Any]) -> Seen:
    raw = base64.b64decode(entry["body"])
    return Seen(
        provider=entry["provider"],
        path=entry["path"],
        headers=entry["headers"],
        body=json.loads(raw),
        raw=raw,
        status=entry["status"],
        usage=entry["usage"],
        client_closed_early=entry["client_closed_early"],
    )


@contextmanager
def simulator_process() -> Iterator[Simulated]:
    """Start it on a free port and end it afterwards; one that never says its address is killed."""
    command = [sys.executable, "-m", "proxyctl.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        limit = threading.Timer(SECONDS, process.kill)
        limit.start()
        try:
            said = json.loads(process.stdout.readline())
            limit.cancel()
            with httpx.Client(trust_env=False, timeout=SECONDS) as http:
                yield Simulated(said["url"], said["providers"], http)
        finally:
            limit.cancel()
            process.terminate()


def config(simulated: Simulated, more: str = "", *, server: str = "port = 0") -> str:
    """A config with the seven providers and a generic one named `local`, all of them at the simulator.

    Gemini is pooled, the others are fallbacks in the order of the file. `more` is appended.
    """
    sections = [f"[server]\n{server}", '[routing]\nprimary = "gemini"']
    for name, url in simulated.urls.items():
        lines = [f"[providers.{name}]", f'mode = "{"pooled" if name == "gemini" else "fallback"}"']
        lines += ['kind = "openai-compatible"'] if name == "local" else []
        lines += [f'base_url = "{url}"', f'key = "${KEY_VARIABLE}"']
        sections.append("\n".join(lines))
    return "\n\n".join([*sections, more]) + "\n"
