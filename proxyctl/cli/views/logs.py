"""`logs`: request records as lines, the same in a page and while following; `logs show`: one record whole."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from proxyctl.admin.schema import AttemptRecord, ExchangeRecord, LogPage, Usage
from proxyctl.cli.views.figures import UNKNOWN, Look, age, count, duration, moment, money, one_line, several
from proxyctl.cli.views.tables import Cell, facts, note, stacked, word

_OUTCOME_WIDTH = len("client_closed") + 2
_USUAL_WIDTH = len("ok") + 2
_FURTHER_IN = "\n      "


def render(page: LogPage, look: Look) -> RenderableType:
    """The newest record last, next to the prompt."""
    if not page.records:
        return note("No request matches.")
    lines: list[RenderableType] = [line(record, look) for record in reversed(page.records)]
    if page.dropped:
        lines.append(Text(f"{several(page.dropped, 'record')} lost: the log is not complete.", style="red"))
    return Group(*lines)


def line(record: ExchangeRecord, look: Look) -> Text:
    """One record in one line, and one more line for each thing that did not go by itself.

    Where a line has no room it goes on further in, and is broken between facts, not within one.
    """
    start = Text.assemble((moment(record.started_at, look), "dim"), "  ", f"{record.status:<3} ", word(record.outcome))
    gap = " " * max(2, (_OUTCOME_WIDTH if look.wide else _USUAL_WIDTH) - len(record.outcome))
    head = [Text.assemble(start, gap, _who(record))]
    if head[0].cell_len > look.width:
        head = [start, *_who(record).split("→ ", include_separator=True)]
    shown = _in_lines([*head, *map(Text, _facts(record, look))], look, "  ")
    for trouble in _troubles(record):
        shown.append("\n    ")
        shown.append_text(_in_lines([Text(piece) for piece in trouble.split(" ")], look, " ", used=4))
    shown.overflow = "fold"
    return shown


def _in_lines(pieces: list[Text], look: Look, between: str, *, used: int = 0) -> Text:
    """The pieces behind each other, each new line that they need further in than the first, which begins at `used`."""
    shown = Text()
    for number, piece in enumerate(pieces):
        room = look.width - used - (len(between) if number else 0)
        if number and piece.cell_len > room and not look.unbroken:
            shown.append(_FURTHER_IN)
            used = len(_FURTHER_IN) - 1
        elif number:
            shown.append(between)
            used += len(between)
        shown.append_text(piece)
        used += piece.cell_len
    return shown


def _who(record: ExchangeRecord) -> Text:
    """The requested model, and who really served it when that is something else."""
    requested = one_line(record.requested_model)
    if not record.provider:
        return Text.assemble((requested, "bold"), " (no provider)")
    served = one_line(record.served_model or record.upstream_model)
    target = f"{record.provider}:{served}"
    if requested in {served, target}:
        return Text(target, style="bold")
    return Text.assemble(requested, " → ", (target, "bold"), " (substitute)" if record.substitute else "")


def _facts(record: ExchangeRecord, look: Look) -> list[str]:
    facts: list[str] = []
    if record.operation != "chat":
        facts.append(record.operation)
    if record.usage is not None:
        mark = "" if record.usage.source == "reported" else f" {record.usage.source}"
        facts.append(f"{count(record.usage.input_total)} in {count(record.usage.output_total)} out{mark}")
        facts.append(UNKNOWN + " cost" if record.cost is None else money(record.cost))
    if record.first_token_ms is not None and look.wide:
        facts.append(f"first token {duration(record.first_token_ms)}")
    facts.append(duration(record.duration_ms))
    if look.wide:
        facts += [record.lane or "no lane", record.id]
    return facts


def _troubles(record: ExchangeRecord) -> list[str]:
    told = [_attempt(attempt) for attempt in record.attempts[:-1]]
    if record.error:
        kind = f"{record.error_kind}: " if record.error_kind else ""
        told.append(f"{kind}{one_line(record.error)}")
    if record.losses:
        fields = ", ".join(one_line(loss.path) for loss in record.losses)
        told.append(f"lost in translation: {fields}")
    return told


def _attempt(attempt: AttemptRecord) -> str:
    status = f" {attempt.status}" if attempt.status is not None else ""
    why = f": {one_line(attempt.error)}" if attempt.error else ""
    return f"first tried {attempt.provider}:{one_line(attempt.model)}{status} {attempt.error_kind}{why}".rstrip()


def whole(record: ExchangeRecord, look: Look) -> RenderableType:
    """All that is kept of one request: itself, its attempts in order, and the ledger of what was lost."""
    attempts = [pair for number, one in enumerate(record.attempts, 1) for pair in _attempt_pairs(number, one)]
    losses: list[tuple[str, Cell]] = [
        (str(number), _loss(loss.path, loss.reason)) for number, loss in enumerate(record.losses, 1)
    ]
    return stacked(
        facts(_record_pairs(record, look)),
        _headed("Attempts", attempts),
        _headed("Left out or changed", losses),
    )


def _headed(title: str, pairs: list[tuple[str, Cell]]) -> RenderableType | None:
    return Group(Text(title, style="bold"), facts(pairs)) if pairs else None


def _record_pairs(record: ExchangeRecord, look: Look) -> Iterator[tuple[str, Cell]]:
    yield "request", record.id
    yield "began", f"{moment(record.started_at, look)}, {age(record.started_at, look)}"
    yield "model", _who(record)
    yield "outcome", Text.assemble(word(record.outcome), f", {record.status}")
    if record.error:
        yield "error", _reason(record.error_kind, record.error)
    if record.operation != "chat":
        yield "operation", record.operation
    yield "dialect", f"{record.dialect}, {'streamed' if record.stream else 'whole'}"
    yield "lane", record.lane or "none"
    if record.finish:
        yield "finish", record.finish
    yield "took", _times(record.duration_ms, record.first_token_ms)
    if record.gateway_ms is not None:
        yield "gateway", duration(record.gateway_ms)
    if record.usage is not None:
        yield "usage", _tokens(record.usage)
        yield "cost", money(record.cost)
    if record.client:
        yield "client", one_line(record.client)
    if record.session:
        yield "session", one_line(record.session)


def _attempt_pairs(number: int, one: AttemptRecord) -> Iterator[tuple[str, Cell]]:
    status = f" {one.status}" if one.status is not None else ""
    target = Text(f"{one.provider}:{one_line(one.model)}", style="bold")
    yield (
        str(number),
        Text.assemble(
            target, ": ", word(one.outcome), f"{status}, {one.lane}, {_times(one.duration_ms, one.first_token_ms)}"
        ),
    )
    if one.error or one.error_kind:
        yield "", _reason(one.error_kind, one.error)
    if one.usage is not None:
        yield "", f"{_tokens(one.usage)}, {UNKNOWN + ' cost' if one.cost is None else money(one.cost)}"
    if one.upstream_request_id:
        yield "", f"its own id: {one_line(one.upstream_request_id)}"


def _times(took: float, first_token: float | None) -> str:
    begun = f", first token after {duration(first_token)}" if first_token is not None else ""
    return f"{duration(took)}{begun}"


def _tokens(usage: Usage) -> str:
    """Each class that there is, to the token; they do not overlap."""
    classes = (
        ("input", usage.input),
        ("cache read", usage.cache_read),
        ("cache write", usage.cache_write_total),
        ("tool input", usage.tool_input),
        ("output", usage.output),
        ("reasoning", usage.reasoning),
    )
    told = ", ".join(f"{tokens:,} {title}" for title, tokens in classes if tokens) or "0 tokens"
    return told if usage.source == "reported" else f"{told} ({usage.source})"


def _reason(kind: str, error: str) -> str:
    return ": ".join(part for part in (kind, one_line(error)) if part)


def _loss(path: str, reason: str) -> Text:
    return Text.assemble((one_line(path), "bold"), f": {one_line(reason)}")
