"""Faults as typed values, and the book that says which one the next request meets.

A fault comes from control only, never from a request. It names its provider and, when it likes, one model; it strikes
`times` requests (None: until it is removed) and then is gone. The first fault that fits is the one that strikes.
"""

from typing import Literal

import msgspec

Kind = Literal[
    "status",  # an HTTP error with the provider's own body and headers
    "reset",  # TCP reset in place of an answer
    "silence",  # the request is read and never answered
    "slow_first",  # `seconds` before the first byte, then a normal answer
    "cut",  # the connection closes after `after_frames` frames, without any end
    "stall",  # nothing more after `after_frames` frames, the connection stays open (`seconds`: then it goes on)
    "malformed_frame",  # after `after_frames` frames one frame of broken JSON, then the rest
    "missing_terminator",  # a proper end of the body, without the frames that say "complete"
    "html",  # 200 and a web page
    "garbage",  # 200 and a body that is no JSON
    "error_in_200",  # a stream that begins well and carries an error object after `after_frames` frames
    "huge_frame",  # one frame of more than `size` bytes
    "split_utf8",  # a write that ends inside a multi-byte character
    "crlf",  # CRLF line ends in the event stream
    "comments",  # comment lines between the frames
    "gzip",  # a compressed body, for clients that accept it
    "blocked",  # the provider refuses the prompt, in the way it documents
    "finish",  # an empty answer that ends for `reason`, the provider's own word
]
Scope = Literal["answer", "list", "any"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One planned failure. `scope` "answer" means generation requests, "list" the model lists.

    `status`, `retry_after` (seconds) and `message` belong to `status` and `error_in_200`, `size` (bytes) to
    `huge_frame`.
    """

    kind: Kind
    provider: str = "*"
    model: str | None = None
    times: int | None = 1
    scope: Scope = "answer"
    after_frames: int = 0
    seconds: float | None = None
    status: int = 503
    retry_after: float | None = None
    message: str | None = None
    code: str | None = None  # the provider's finer error code, such as `insufficient_quota`
    reason: str | None = None
    size: int = 2 * 1024 * 1024

    def fits(self, provider: str, model: str | None, scope: Scope) -> bool:
        return (
            self.provider in {"*", provider}
            and (self.model is None or self.model == model)
            and self.scope in {"any", scope}
        )


class FaultBook:
    """The planned faults, in the order in which they were planned."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._planned)

    def plan(self, *faults: Fault) -> None:
        self._planned.extend(faults)

    def planned(self) -> list[Fault]:
        """What is still to come, `times` counted down."""
        return list(self._planned)

    def clear(self) -> None:
        self._planned.clear()

    def take(self, provider: str, model: str | None, scope: Scope) -> Fault | None:
        """The fault for this request; counts it as used."""
        for index, fault in enumerate(self._planned):
            if fault.fits(provider, model, scope):
                self._use(index, fault)
                return fault
        return None

    def _use(self, index: int, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times <= 1:
            del self._planned[index]
        else:
            self._planned[index] = msgspec.structs.replace(fault, times=fault.times - 1)
