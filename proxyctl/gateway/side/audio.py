"""`POST /v1/audio/transcriptions` and `/v1/audio/translations`: a form with a file, passed on as it came.

Only the model's name is read, and replaced where it is called otherwise upstream. The answer is read whole and handed
on in the form that the caller asked for (JSON, text, or the events of a stream, together). It is paid by the second,
so it has no cost here, and usage only where the provider counts tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from typing_extensions import override

from proxyctl.core.errors import BadRequestError, DecodeError, UnsupportedError, UnsupportedMediaError
from proxyctl.core.exchange import Exchange, Peek
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.side.facts import SideEndpoints
from proxyctl.dialects.side.multipart import boundary_of, parts_of, replaced, value_of
from proxyctl.gateway.inbound import LONGEST_MODEL, ClientHeaders, Inbound
from proxyctl.gateway.side.requests import BESIDE
from proxyctl.gateway.side.work import Preparing, Told, Work
from proxyctl.gateway.targets import Target
from proxyctl.routing.deployment import Deployment

_UTF8 = "; charset=utf-8"


class FormInbound(Inbound):
    """A form with a file. Raises `BadRequestError` when it cannot be read, or names no model or no file."""

    __slots__ = ("model_part",)

    def __init__(self, headers: ClientHeaders, body: bytes) -> None:
        self.dialect = BESIDE
        self.address = None
        self.headers = headers
        self.body = body
        self.fields = {}
        self._canonical = None
        try:
            parts = parts_of(body, boundary_of(headers.get(b"content-type", b"").decode("latin-1")))
            model, self.model_part = value_of(body, parts, "model")
        except DecodeError as exc:
            raise BadRequestError(str(exc), param=exc.path or None) from exc
        if not model.strip() or len(model) > LONGEST_MODEL:
            raise BadRequestError(f"a model name of at most {LONGEST_MODEL} characters is required", param="model")
        self.peek = Peek(model=model, size=len(body))


class AudioWork(Work):
    """One form on its way to one provider."""

    lane = "passthrough"
    answer_types = ("application/json", "text/plain", "text/event-stream", "text/vtt", "application/x-subrip")

    def __init__(self, inbound: FormInbound, path: str, model: str) -> None:
        body = inbound.body
        if model != inbound.peek.model:
            body = replaced(body, inbound.model_part, model)
        super().__init__([body], Losses())
        self.path = path
        self.content_type = inbound.headers[b"content-type"]

    @override
    def told(self, answers: Sequence[bytes], content_type: str) -> Told:
        [body] = answers
        usage = None
        if content_type == "application/json":
            usage = _usage(body)
        elif content_type.startswith("text/"):
            content_type += _UTF8
        return Told(body=body, content_type=content_type.encode("latin-1"), usage=usage)


def transcribing(inbound: FormInbound) -> Preparing:
    return _passing(inbound, "transcription")


def translating(inbound: FormInbound) -> Preparing:
    return _passing(inbound, "translation")


def check_form(headers: ClientHeaders) -> None:
    """Raise `UnsupportedMediaError` unless the body is a form."""
    content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if content_type != b"multipart/form-data":
        shown = content_type.decode("latin-1")
        raise UnsupportedMediaError(f"the content type is {shown!r}", hint="send multipart/form-data")


def _passing(inbound: FormInbound, what: str) -> Preparing:
    def prepare(target: Target, deployment: Deployment, exchange: Exchange) -> Work:
        del exchange
        path = _path(target.provider.beside, what)
        if not path:
            raise UnsupportedError(f"{target.name} has no audio {what}", param="model")
        return AudioWork(inbound, path, deployment.model)

    return prepare


def _path(beside: SideEndpoints, what: str) -> str:
    return beside.transcription if what == "transcription" else beside.translation


class _Counts(Struct):
    prompt_tokens: int | None = None
    input_tokens: int | None = None
    completion_tokens: int | None = None
    output_tokens: int | None = None


class _Counted(Struct):
    usage: _Counts | None = None


_counted = msgspec.json.Decoder(_Counted)


def _usage(body: bytes) -> Usage | None:
    """The tokens, where the answer counts any. Raises `DecodeError` when the body is no JSON object."""
    try:
        counts = _counted.decode(body).usage
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError as exc:
        raise DecodeError(f"not JSON: {exc}") from exc
    if counts is None:
        return None
    read, written = counts.prompt_tokens or counts.input_tokens, counts.completion_tokens or counts.output_tokens
    return Usage(input=max(0, read or 0), output=max(0, written or 0)) if read or written else None
