"""The query strings of the management API as typed values; whatever does not fit is a 400 that says what would.

Unknown parameters are refused: a filter that is misspelt and silently ignored would show the wrong records.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct
from quart import request

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import BadRequestError
from proxyctl.core.exchange import Outcome
from proxyctl.metering.store.base import RecordQuery

Q = TypeVar("Q", bound=Struct)

Follow = Annotated[bool, Meta(description="Go on as server-sent events until the daemon ends.")]

_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_AGO = re.compile(r"(\d{1,9})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_UNIX_LIMIT = 1e12
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")

# What the schema says of `since` and `status`, so that machines ask what is accepted. The functions below read a little
# more (29 February, other ISO 8601 forms, capitals) and refuse in words.
_DATE = (
    r"20[0-9]{2}-("
    r"(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
_SINCE_SCHEMA = {"pattern": rf"^([0-9]{{1,9}}[smhdw]|[0-9]{{1,11}}(\.[0-9]{{1,9}})?|{_DATE}(T{_TIME})?)?$"}
_STATUS_SCHEMA = {"pattern": f"^([1-5][0-9]{{2}}|[1-5]xx|{'|'.join(_OUTCOMES)})?$"}


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class FollowQuery(Struct, frozen=True, forbid_unknown_fields=True):
    follow: Follow = False


class LogsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=0, le=1000, description="At most so many records, the newest.")] = 50
    since: Annotated[
        str,
        Meta(
            description="Started since: Unix seconds, ISO 8601 (UTC without an offset), or `15m`, `2h`, `7d` ago.",
            extra_json_schema=_SINCE_SCHEMA,
        ),
    ] = ""
    status: Annotated[
        str,
        Meta(
            description="An HTTP status (`429`), a class (`4xx`), or an outcome (`ok`, `error`, `interrupted`, …).",
            extra_json_schema=_STATUS_SCHEMA,
        ),
    ] = ""
    model: Annotated[
        str, Meta(description="Part of the requested, upstream or served model's name, or a glob (`claude-*`).")
    ] = ""
    follow: Follow = False


class CostsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    provider: Annotated[str, Meta(description="Only this provider.")] = ""


class HealthQuery(Struct, frozen=True, forbid_unknown_fields=True):
    check: Annotated[bool, Meta(description="Ask each provider's free list endpoint now; never a paid call.")] = False


class ModelsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    provider: Annotated[str, Meta(description="Only this provider's models.")] = ""


class PlanQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: Annotated[str, Meta(min_length=1, description="The model as a client would name it.")]
    dialect: Annotated[DialectName, Meta(description="The wire format that the client speaks.")] = "openai-chat"


def read_query(shape: type[Q]) -> Q:
    """The current request's parameters. Raises `BadRequestError`."""
    given: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise BadRequestError(f"the parameter {name!r} is given {len(values)} times", param=name)
        given[name] = values[0]
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as exc:
        allowed = ", ".join(shape.__struct_fields__)
        hint = f"the parameters are: {allowed}" if allowed else "there are no parameters here"
        raise BadRequestError(f"a parameter does not fit: {_told(exc)}", hint=hint) from None


def record_query(logs: LogsQuery, *, provider: str | None, now: float) -> RecordQuery:
    """What to look for. Raises `BadRequestError` for a `since` or `status` that means nothing."""
    status, status_class, outcome = _status(logs.status)
    return RecordQuery(
        provider=provider,
        limit=logs.limit,
        since=_since(logs.since, now) if logs.since else None,
        status=status,
        status_class=status_class,
        outcome=outcome,
        model=logs.model or None,
    )


def _told(exc: msgspec.ValidationError) -> str:
    """The words of msgspec, with the parameter's name in front where it gives one."""
    message, _, path = str(exc).partition(" - at `$.")
    return f"{path.rstrip('`')}: {message}" if path else message


def _since(text: str, now: float) -> float:
    """Unix seconds of a point in time."""
    if ago := _AGO.fullmatch(text.strip()):
        return now - int(ago[1]) * _SECONDS[ago[2]]
    try:
        seconds = float(text)
    except ValueError:
        return _iso_seconds(text)
    if not 0 <= seconds < _UNIX_LIMIT:
        raise BadRequestError(f"since: {text!r} is no time that records could have", param="since", hint=_SINCE_HINT)
    return seconds


def _iso_seconds(text: str) -> float:
    try:
        # In a query string a `+` that nobody escaped arrives as a space.
        moment = datetime.fromisoformat(_LOST_PLUS.sub(r"+\1", text.strip()))
    except ValueError:
        raise BadRequestError(f"since: {text!r} is not a time", param="since", hint=_SINCE_HINT) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) / timedelta(seconds=1)


def _status(text: str) -> tuple[int | None, int | None, Outcome | None]:
    """The code, the class or the outcome that the text names; at most one of them."""
    word = text.strip().lower()
    if not word:
        return None, None, None
    for outcome in _OUTCOMES:
        if word == outcome:
            return None, None, outcome
    if re.fullmatch(r"[1-5]xx", word):
        return None, int(word[0]), None
    if re.fullmatch(r"[1-5][0-9]{2}", word):
        return int(word), None, None
    hint = f"an HTTP status (429), a class (4xx) or one of {', '.join(_OUTCOMES)}"
    raise BadRequestError(f"status: {text!r} is none", param="status", hint=hint)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SINCE_HINT = "Unix seconds, ISO 8601 (2026-11-24T10:00:00Z), or 15m, 2h, 7d ago"
