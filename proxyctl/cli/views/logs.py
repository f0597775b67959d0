"""`logs`: request records as lines, the same in a page and while following."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from proxyctl.admin.schema import AttemptRecord, ExchangeRecord, LogPage
from proxyctl.cli.views.figures import UNKNOWN, Look, count, duration, moment, money, one_line, several
from proxyctl.cli.views.tables import note, word

_OUTCOME_WIDTH = len("client_closed") + 2
_USUAL_WIDTH = len("ok") + 2


def render(page: LogPage, look: Look) -> RenderableType:
    """The newest record last, next to the prompt."""
    if not page.records:
        return note("No request matches.")
    lines: list[RenderableType] = [line(record, look) for record in reversed(page.records)]
    if page.dropped:
        lines.append(Text(f"{several(page.dropped, 'record')} lost: the log is not complete.", style="red"))
    return Group(*lines)


def line(record: ExchangeRecord, look: Look) -> Text:
    """One record in one line, and one more line for each thing that did not go by itself."""
    shown = Text(overflow="fold")
    shown.append(moment(record.started_at, look), style="dim")
    shown.append("  ")
    shown.append(str(record.status).ljust(3))
    shown.append(" ")
    shown.append_text(word(record.outcome))
    shown.append(" " * max(2, (_OUTCOME_WIDTH if look.wide else _USUAL_WIDTH) - len(record.outcome)))
    shown.append_text(_who(record))
    for fact in _facts(record, look):
        shown.append("  ")
        shown.append(fact)
    for trouble in _troubles(record):
        shown.append(f"\n    {trouble}")
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
    facts = []
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
