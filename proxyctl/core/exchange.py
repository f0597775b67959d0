"""One client request and what came of it: the attempts while it runs, the record that is kept.

`Exchange` is the only mutable value here; it lives from the request's first byte to the answer's last one, and
`finish` turns it into an immutable `ExchangeRecord`. Times are seconds, durations milliseconds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from proxyctl.core.chat import DialectName, FinishReason
from proxyctl.core.clock import Clock
from proxyctl.core.errors import Problem
from proxyctl.core.losses import Loss, Losses
from proxyctl.core.usage import Usage

Lane = Literal["passthrough", "translate"]
Operation = Literal["chat", "text_completion", "embeddings", "rerank", "transcription", "translation"]
"""What was asked for. A dialect alone does not say: embeddings come in the words of chat's."""
Outcome = Literal["ok", "error", "interrupted", "client_closed", "refused"]
"""`ok`: complete; `error`: no answer began; `interrupted`: it began and was cut; `client_closed`: the caller left;
`refused`: the gateway itself said no, no provider was asked."""


class Peek(Struct, frozen=True, kw_only=True):
    """What routing must know of a request before anybody decodes it whole. `size` is the body's length in bytes.

    `foreign_signatures`: the history holds another provider's proof in our wrapping, which must never go upstream.
    `previous_response`: the id of an earlier answer that this request continues, `""` when it stands for itself.
    `effort`: the thinking asked for, in the words of the dialects that have one word for it; `""` when none was named.
    """

    model: str
    stream: bool = False
    include_usage: bool = False
    has_tools: bool = False
    has_images: bool = False
    has_documents: bool = False
    wants_thinking: bool = False
    wants_json_schema: bool = False
    max_output: int | None = None
    size: int = 0
    foreign_signatures: bool = False
    previous_response: str = ""
    effort: str = ""


class AttemptRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try on one deployment. `cost` is in USD, `None` when the price or the usage is unknown."""

    provider: str
    model: str
    lane: Lane
    outcome: Outcome
    started_at: float
    duration_ms: float
    credential: str = ""
    served_model: str = ""
    status: int | None = None
    first_token_ms: float | None = None
    finish: FinishReason | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    error_kind: str = ""
    error: str = ""
    upstream_request_id: str = ""


class ExchangeRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of an exchange. `provider` is the one that answered, or the last one tried; empty if none was."""

    id: str
    started_at: float
    dialect: DialectName
    requested_model: str
    outcome: Outcome
    status: int
    stream: bool
    duration_ms: float
    operation: Operation = "chat"
    client: str = ""
    session: str = ""
    provider: str = ""
    upstream_model: str = ""
    served_model: str = ""
    substitute: bool = False
    lane: Lane | None = None
    finish: FinishReason | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    first_token_ms: float | None = None
    gateway_ms: float | None = None
    error_kind: str = ""
    error: str = ""
    attempts: tuple[AttemptRecord, ...] = ()
    losses: tuple[Loss, ...] = ()


@dataclass(slots=True)
class AttemptResult:
    """What a lane learnt while it carried an attempt; both lanes fill in the same."""

    usage: Usage | None = None
    finish: FinishReason | None = None
    served_model: str = ""
    problem: Problem | None = None
    first_token_at: float | None = None
    upstream_request_id: str = ""


@dataclass(slots=True)
class Exchange:
    """A request under way. `begun` is monotonic; `attempts` grow as deployments are tried.

    `upstream_seconds` is the time spent waiting on providers' account: for their answers, and before retries.
    """

    dialect: DialectName
    clock: Clock
    peek: Peek
    operation: Operation = "chat"
    client: str = ""
    session: str = ""
    id: str = field(default_factory=lambda: f"px_{random.getrandbits(80):020x}")
    started_at: float = 0.0
    begun: float = 0.0
    losses: Losses = field(default_factory=Losses)
    attempts: list[AttemptRecord] = field(default_factory=list)
    substitute: bool = False
    upstream_seconds: float = 0.0
    _own_ms_at_commit: float | None = None

    @classmethod
    def begin(
        cls, dialect: DialectName, peek: Peek, clock: Clock, *, client: str = "", operation: Operation = "chat"
    ) -> Exchange:
        return cls(
            dialect=dialect,
            clock=clock,
            peek=peek,
            operation=operation,
            client=client,
            started_at=clock.now(),
            begun=clock.monotonic(),
        )

    def elapsed_ms(self) -> float:
        return (self.clock.monotonic() - self.begun) * 1000

    def own_ms(self) -> float:
        """Our own share of the time until the answer began: everything but waiting on upstreams' account."""
        if self._own_ms_at_commit is not None:
            return self._own_ms_at_commit
        return max(0.0, self.elapsed_ms() - self.upstream_seconds * 1000)

    def commit(self) -> None:
        """The answer begins: from here on time belongs to the stream, and nothing falls back in silence."""
        self._own_ms_at_commit = self.own_ms()

    def finish(self, outcome: Outcome, status: int, problem: Problem | None = None) -> ExchangeRecord:
        """Close the books: what the caller saw, with the last attempt's figures as the answer's."""
        last = self.attempts[-1] if self.attempts else None
        answered = last if last is not None and last.outcome != "error" else None
        first_token = None
        if answered is not None and answered.first_token_ms is not None:
            first_token = (answered.started_at - self.started_at) * 1000 + answered.first_token_ms
        return ExchangeRecord(
            id=self.id,
            started_at=self.started_at,
            dialect=self.dialect,
            requested_model=self.peek.model,
            outcome=outcome,
            status=status,
            stream=self.peek.stream,
            duration_ms=self.elapsed_ms(),
            operation=self.operation,
            client=self.client,
            session=self.session,
            provider=last.provider if last else "",
            upstream_model=last.model if last else "",
            served_model=answered.served_model if answered else "",
            substitute=self.substitute,
            lane=last.lane if last else None,
            finish=answered.finish if answered else None,
            usage=answered.usage if answered else None,
            cost=answered.cost if answered else None,
            first_token_ms=first_token,
            gateway_ms=self.own_ms(),
            error_kind=problem.kind if problem else answered.error_kind if answered else "",
            error=problem.message if problem else answered.error if answered else "",
            attempts=tuple(self.attempts),
            losses=self.losses.entries(),
        )
