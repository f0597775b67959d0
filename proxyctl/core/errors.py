"""Everything that goes wrong on purpose, as one tree.

    ProxyctlError
    ├── DecodeError                 bytes that are not what their dialect says; carries the path
    ├── GatewayError                our own refusals: each knows its status, kind and stable code
    │   ├── BadRequestError 400     ├── UnsupportedError 400    ├── NotFoundError 404
    │   │                           └── WouldLoseError 400
    │   ├── MethodNotAllowedError 405  ├── UnauthenticatedError 401  ├── ForbiddenError 403
    │   ├── TooLargeError 413       ├── UnsupportedMediaError 415  ├── NoWebSocketError 426
    │   └── UnavailableError 503    └── ShuttingDownError 503
    └── UpstreamError               a provider failed: carries a `Problem`
        ├── ConnectError            nothing was sent: always safe to try elsewhere
        ├── NoAnswerError           sent, then silence or a hang-up before an answer
        ├── GarbageError            an answer that its dialect cannot read
        ├── StatusError             an error status (or an error object) that the provider sent
        └── CutError                the answer stopped before its end

An error says what happened and does not know how it is shown: each dialect turns a `Problem` into its own JSON.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

ErrorKind = Literal[
    "bad_request",
    "context_length",
    "unauthenticated",
    "forbidden",
    "billing",
    "not_found",
    "method_not_allowed",
    "conflict",
    "too_large",
    "unsupported_media",
    "rate_limit",
    "upstream",
    "upstream_auth",
    "overloaded",
    "timeout",
]
"""The classes of failure that every dialect has a shape for."""


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A failure as a value, ready to be put in any dialect.

    `status` is the HTTP status; `code` a stable machine word; `retry_after` is in seconds, `None` when nobody said;
    `param` names the request's field at fault; `retryable` is false when trying again cannot help (a spent quota).
    """

    kind: ErrorKind
    status: int
    code: str
    message: str
    hint: str = ""
    param: str | None = None
    retry_after: float | None = None
    retryable: bool = True

    def sentence(self) -> str:
        """The message, with the hint for dialects that have no place of its own for one."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ProxyctlError(Exception):
    """The root: catching it catches what we raise on purpose and nothing else."""


class DecodeError(ProxyctlError):
    """Bytes that are not what their dialect says. `path` points into the document, as `messages[2].role`."""

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class GatewayError(ProxyctlError):
    """A refusal of our own. `hint` says what would help; `recorded` is false for what is no failure of a request."""

    kind: ClassVar[ErrorKind] = "bad_request"
    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    retryable: ClassVar[bool] = False
    recorded: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.param = param
        self.own_code = code
        self.retry_after = retry_after

    def problem(self) -> Problem:
        return Problem(
            kind=self.kind,
            status=self.status,
            code=self.own_code or self.code,
            message=self.message,
            hint=self.hint,
            param=self.param,
            retry_after=self.retry_after,
            retryable=self.retryable,
        )


class BadRequestError(GatewayError):
    """The request cannot be understood or served as it stands."""


class UnsupportedError(GatewayError):
    """The request is understood, but its target cannot do what it asks for."""

    code = "unsupported"


class WouldLoseError(UnsupportedError):
    """The target could be sent the request only in part, and its caller wants all of it or nothing."""

    code = "would_lose"


class NotFoundError(GatewayError):
    """No such path, or no provider serves this model."""

    kind = "not_found"
    status = 404
    code = "not_found"


class MethodNotAllowedError(GatewayError):
    kind = "method_not_allowed"
    status = 405
    code = "method_not_allowed"


class UnauthenticatedError(GatewayError):
    """The gateway's own key is missing or wrong."""

    kind = "unauthenticated"
    status = 401
    code = "invalid_api_key"


class ForbiddenError(GatewayError):
    """A foreign web page, a rebound host name, or a management call without the token."""

    kind = "forbidden"
    status = 403
    code = "forbidden"


class TooLargeError(GatewayError):
    kind = "too_large"
    status = 413
    code = "request_too_large"


class UnsupportedMediaError(GatewayError):
    """A content type or content encoding that is not read here."""

    kind = "unsupported_media"
    status = 415
    code = "unsupported_media_type"


class NoWebSocketError(GatewayError):
    """A client that would rather speak WebSocket: told so, it falls back to a plain request."""

    kind = "method_not_allowed"
    status = 426
    code = "no_websocket"
    recorded = False


class UnavailableError(GatewayError):
    """Nobody can serve the request now; `retry_after` says when, if known."""

    kind = "overloaded"
    status = 503
    code = "no_provider_available"
    retryable = True


class ShuttingDownError(UnavailableError):
    """The daemon is draining: running exchanges finish, new ones are refused."""

    code = "shutting_down"


class UpstreamError(ProxyctlError):
    """A provider failed. `sent` is false when the request surely did not reach it."""

    sent: ClassVar[bool] = True

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class ConnectError(UpstreamError):
    """DNS, TCP or TLS failed: nothing was sent."""

    sent = False


class NoAnswerError(UpstreamError):
    """The request was sent, and no usable answer began in time."""


class GarbageError(UpstreamError):
    """The answer is not what the provider's dialect allows: wrong content type, HTML, broken JSON."""


class StatusError(UpstreamError):
    """The provider answered with an error. `body` is what it said, byte for byte, for callers of the same dialect."""

    def __init__(self, problem: Problem, *, body: bytes = b"") -> None:
        super().__init__(problem)
        self.body = body


class CutError(UpstreamError):
    """The answer began and stopped before its end: what was sent is not complete."""
