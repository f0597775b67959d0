"""The seam between the server and one simulated provider.

A provider turns a request into a `Reply` without I/O, raises `RefusalError` for what the real one refuses, and knows
its own error shape for the failures that the server plans.
"""

from abc import ABC, abstractmethod
from hashlib import blake2b
from typing import Any

import msgspec

from proxyctl.simulator.faults import Fault, Scope
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.reply import RefusalError, Reply, data_frame
from proxyctl.simulator.script import Call, Manner, Question, Script, compose
from proxyctl.simulator.tokens import PrefixMemory
from proxyctl.simulator.turns import TurnBook

REFUSED_MARK = "bad"


class SimulatedProvider(ABC):
    """One provider: `name` is also the first path segment, `base` what a client's base URL adds to it.

    `turns` is one book for all providers of a simulator.
    """

    name: str
    base: str = ""

    def __init__(self) -> None:
        self.prefixes = PrefixMemory()
        self.turns = TurnBook()
        self._answers = 0

    @abstractmethod
    def answer(self, request: HttpRequest, path: str, manner: Manner) -> Reply:
        """Answer `request`; `path` is what follows the provider's own segment."""

    @abstractmethod
    def failure(self, status: int, message: str | None = None, fault: Fault | None = None) -> Reply:
        """The provider's documented error answer for an HTTP status."""

    def error_frame(self, fault: Fault) -> bytes:
        """The error as it stands inside a stream that began with 200."""
        return b"data: %b\n\n" % self.failure(fault.status, fault.message, fault).body

    def broken_frame(self) -> bytes:
        """A frame whose JSON ends too early."""
        return data_frame({"text": "cut"})[:-5] + b"\n\n"

    def scope_of(self, request: HttpRequest, path: str) -> Scope:
        del path
        return "list" if request.method in {"GET", "HEAD"} else "answer"

    def model_of(self, request: HttpRequest, path: str) -> str | None:
        """The requested model, for faults that name one; None when it cannot be read."""
        del path
        try:
            return _model_decoder.decode(request.body).model
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def clear(self) -> None:
        self.prefixes.clear()
        self._answers = 0

    def refuse(self, status: int, message: str, fault: Fault | None = None) -> RefusalError:
        return RefusalError(self.failure(status, message, fault))

    def compose(self, question: Question, manner: Manner, *, cached: int | None = None) -> Script:
        """The answer to a question; cached tokens from the prompts seen before unless they are given."""
        if cached is None:
            cached = self.prefixes.cached_tokens(question.model, question.prompt)
        return compose(self.name, question, manner, cached, planned=self._planned(question))

    def _planned(self, question: Question) -> tuple[Call, ...] | None:
        """The calls that a test scripted for this question, `None` when it scripted nothing."""
        if not self.turns.in_force:
            return None
        if question.choice == "none":
            return ()
        turn = self.turns.take(self.name, {tool.name for tool in question.tools})
        return tuple(Call(call.tool, call.arguments) for call in turn.calls) if turn else ()

    def next_id(self, seed: str) -> str:
        """24 hexadecimal digits, new for every answer."""
        self._answers += 1
        return f"{seed[:16]}{self._answers:08x}"


class _ModelOnly(msgspec.Struct):
    model: str | None = None


_model_decoder = msgspec.json.Decoder(_ModelOnly)


def seed_of(body: bytes) -> str:
    """A fingerprint of the request, from which ids are made."""
    return blake2b(body, digest_size=20).hexdigest()


def bearer(headers: dict[str, str]) -> str:
    """The bearer token, empty when there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def accepted(key: str) -> bool:
    """Any credential is good unless it is empty or says that it is bad."""
    return bool(key) and REFUSED_MARK not in key


def text_in(value: Any) -> str:
    """Every string in a JSON value, in order, for counting tokens of parts that have no other meaning here."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join([key + text_in(entry) for key, entry in value.items()])
    if isinstance(value, list):
        return "".join([text_in(entry) for entry in value])
    return "" if value is None else str(value)


def data_url_size(url: str) -> tuple[str, int | None]:
    """Media type and decoded size of a `data:` URL; the size is None for any other address."""
    if not url.startswith("data:"):
        return "address", None
    head, _, data = url.partition(",")
    return head.removeprefix("data:").split(";")[0] or "text/plain", base64_size(data)


def base64_size(data: str) -> int:
    return len(data.rstrip("=")) * 3 // 4
