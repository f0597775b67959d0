"""Read an error body, in whichever of their many wrappings it comes.

Servers that call themselves compatible wrap theirs in seven ways: an `error` object or text, bare members, `detail`
lists (FastAPI), a message that is an object, numbers for codes, a one-element array. Compatible servers of one dialect
are often built by people of another, so both dialects read with this.
"""

from __future__ import annotations

from typing import Any

import msgspec

from proxyctl.core.errors import Problem
from proxyctl.dialects.failure import ErrorBody, classify, unreadable


def decode_error(status: int, body: bytes) -> Problem:
    """Read an error body; never raises. `status` is 200 for an error inside an answer or a stream."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return unreadable(status, body)
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return unreadable(status, body)
    return classify(status, _said(value))


def words_of(body: bytes) -> tuple[str | None, str | None]:
    """The type and the code that a JSON error body gives in words, wherever in it they stand; never raises."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    document = value if isinstance(value, dict) else {}
    error = document.get("error")
    inner: dict[str, Any] = error if isinstance(error, dict) else document
    given = inner.get("type"), inner.get("code")
    kind, code = (word if isinstance(word, str) and word else None for word in given)
    return kind, code


def _said(document: dict[str, Any]) -> ErrorBody:
    error = document.get("error")
    extra = document.get("x_groq")
    if not error and isinstance(extra, dict):
        error = extra.get("error")
    inner: dict[str, Any] = error if isinstance(error, dict) else document
    details = inner.get("details")
    message = error if isinstance(error, str) else inner.get("message") or inner.get("detail")
    words = [
        details.get("error_code") if isinstance(details, dict) else None,
        inner.get("code"),
        inner.get("type"),
        document.get("code"),
    ]
    numbers = [word for word in words if isinstance(word, int) and not isinstance(word, bool)]
    param = inner.get("param") or _place(message)
    return ErrorBody(
        message=_text(message),
        words=tuple(dict.fromkeys(word for word in words if isinstance(word, str) and word)),
        param=param if isinstance(param, str) else None,
        status=next((number for number in numbers if 400 <= number < 600), None),
    )


def _place(message: object) -> str | None:
    """The field that a `detail` list of FastAPI's complains of first."""
    detail = message.get("detail") if isinstance(message, dict) else message
    first = detail[0] if isinstance(detail, list) and detail else None
    return (_path(first.get("loc")) or None) if isinstance(first, dict) else None


def _path(steps: object) -> str:
    return ".".join(str(step) for step in steps if step != "body") if isinstance(steps, list) else ""


def _text(message: object) -> str:
    """The human part of a message; FastAPI's `detail` lists are told as `stream_options: Extra inputs …`."""
    if isinstance(message, str):
        return message
    if isinstance(message, dict) and "detail" in message:
        return _text(message["detail"])
    if isinstance(message, list):
        return "; ".join(_text(entry) for entry in message)
    if isinstance(message, dict) and isinstance(message.get("msg"), str):
        place = _path(message.get("loc"))
        return f"{place}: {message['msg']}" if place else str(message["msg"])
    return "" if message is None else msgspec.json.encode(message).decode()
