"""Finds the model servers that answer on this machine, for the first config: it lists them, switched off.

Only their usual ports on loopback are asked, for the list that every OpenAI-compatible server gives for free. What
answers something else is not taken for one.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import msgspec

PATIENCE = 0.3
"""Seconds: a server on this machine answers at once, and a first start should not wait for those that are not there."""


class Neighbour(NamedTuple):
    """A server as it would stand in the config."""

    name: str
    port: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


USUAL = (
    Neighbour("ollama", 11434),
    Neighbour("lm-studio", 1234),
    Neighbour("llama-cpp", 8080),
    Neighbour("vllm", 8000),
)


class _Models(msgspec.Struct):
    """What makes a server one of ours: a model list in OpenAI's shape (Ollama says null when it has none)."""

    object: str
    data: list[Any] | None = None


def neighbours(usual: Iterable[Neighbour] = USUAL) -> tuple[tuple[str, str], ...]:
    """The servers that answer now, as name and base URL."""
    asked = tuple(usual)
    with ThreadPoolExecutor(len(asked)) as pool:
        there = pool.map(_answers, asked)
    return tuple((one.name, one.base_url) for one, answers in zip(asked, there, strict=True) if answers)


def _answers(neighbour: Neighbour) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", neighbour.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/v1/models")
        response = connection.getresponse()
        return response.status == 200 and _is_list(response.read(1_000_000))
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_list(body: bytes) -> bool:
    try:
        return msgspec.json.decode(body, type=_Models).object == "list"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
