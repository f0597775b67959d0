"""`providers list`, `providers show` and `health`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from proxyctl.admin.schema import CredentialStatus, HealthReport, ProviderHealth, ProviderStatus, StatusReport
from proxyctl.cli.views.figures import NONE, Look, age, count, duration, one_line
from proxyctl.cli.views.tables import Cell, Column, facts, name, note, stacked, table, word


def render(report: StatusReport, look: Look) -> RenderableType:
    """All providers, in the order of the config; what is to be known about one stands below the table."""
    columns = [
        Column("Provider"),
        Column("Mode"),
        Column("State"),
        Column("Models", right=True, spare=3),
        Column("Requests", right=True, spare=1),
        Column("Errors", right=True, spare=2),
        Column("Last used", spare=4),
    ]
    if look.wide:
        columns += [Column("Weight", right=True), Column("Priority", right=True), Column("Address", fold=True)]
    rows = [_row(one, look) for one in report.providers]
    notes = [(one.name, one_line(one.note)) for one in report.providers if one.note]
    if not rows:
        return note("No provider is configured.")
    return stacked(table(columns, rows), facts(notes) if notes else None)


def _row(one: ProviderStatus, look: Look) -> list[Cell]:
    row: list[Cell] = [
        _title(one),
        word(one.mode),
        word(one.state),
        str(one.models) if one.models else NONE,
        count(one.requests),
        count(one.errors),
        age(one.last_used_at, look),
    ]
    if look.wide:
        row += [f"{one.weight:g}", str(one.priority), one_line(one.base_url)]
    return row


def _title(one: ProviderStatus) -> Text:
    return Text.assemble(name(one.name), " (primary)" if one.primary else "")


def details(one: ProviderStatus, look: Look) -> RenderableType:
    """Everything about one provider. A key is named, never shown."""
    return facts(_details(one, look))


def _details(one: ProviderStatus, look: Look) -> Iterator[tuple[str, Cell]]:
    yield "provider", _title(one)
    yield "kind", f"{one.label} ({one.kind})" if one.label != one.kind else one.kind
    yield "mode", word(one.mode)
    yield "state", word(one.state)
    if one.note:
        yield "note", one_line(one.note)
    yield "address", one_line(one.base_url)
    yield "dialects", ", ".join(one.dialects)
    yield "weight", f"{one.weight:g}"
    yield "priority", str(one.priority)
    fetched = f", listed {age(one.models_updated_at, look)}" if one.models_updated_at is not None else ""
    yield "models", f"{one.models}{fetched}" if one.models else "not listed yet"
    yield "requests", f"{one.requests:,}, {one.errors:,} failed"
    yield "last used", age(one.last_used_at, look)
    if one.last_error:
        yield "last error", one_line(one.last_error)
    if not one.credentials:
        yield "keys", "none"
    for number, credential in enumerate(one.credentials):
        yield "keys" if not number else "", _credential(credential)


def _credential(credential: CredentialStatus) -> Text:
    label = one_line(credential.label)
    where = f" from the {credential.source}" if credential.source and credential.source != label else ""
    if credential.problem:
        return Text.assemble(f"{label}{where}: ", (one_line(credential.problem), "red"))
    return Text(f"{label}{where}")


def health(report: HealthReport, look: Look) -> RenderableType:
    columns = [
        Column("Provider"),
        Column("Health"),
        Column("Answered in", right=True, spare=1),
        Column("Checked", spare=2),
        Column("Detail", fold=True),
    ]
    verdict = Text("The gateway can serve." if report.ok else "Nobody can serve now.", style="" if report.ok else "red")
    return stacked(table(columns, [_health_row(one, look) for one in report.providers]), verdict)


def tested(one: ProviderHealth, look: Look) -> RenderableType:
    """One provider's answer to a question asked just now."""
    del look
    shown = Text.assemble(name(one.name), ": ", word(one.health))
    if one.latency_ms is not None:
        shown.append(f" in {duration(one.latency_ms)}")
    if one.detail:
        shown.append(f", {one_line(one.detail)}")
    return shown


def _health_row(one: ProviderHealth, look: Look) -> list[Cell]:
    return [
        name(one.name),
        word(one.health),
        duration(one.latency_ms),
        age(one.checked_at, look),
        one_line(one.detail),
    ]
