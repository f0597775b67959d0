"""`models` and `explain`."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from proxyctl.admin.schema import ModelEntry, ModelsReport, PlanReport, PlanStep
from proxyctl.cli.views.figures import NONE, Look, count, one_line, price, several
from proxyctl.cli.views.tables import Cell, Column, facts, name, note, stacked, table


def render(report: ModelsReport, look: Look) -> RenderableType:
    """The models by the name that selects them outright."""
    del look
    if not report.models:
        return note("No provider has listed its models yet.")
    columns = [
        Column("Model", fold=True),
        Column("Context", right=True, spare=1),
        Column("Output", right=True, spare=2),
        Column("$ in/M", right=True),
        Column("$ out/M", right=True),
    ]
    providers = {one.provider for one in report.models}
    said = f"{several(len(report.models), 'model')} of {several(len(providers), 'provider')}"
    return stacked(table(columns, [_model_row(one) for one in report.models]), note(said))


def _model_row(one: ModelEntry) -> list[Cell]:
    return [
        Text(f"{one.provider}:{one_line(one.id)}"),
        count(one.context) if one.context else NONE,
        count(one.max_output) if one.max_output else NONE,
        price(one.input_price),
        price(one.output_price),
    ]


def explain(report: PlanReport, look: Look) -> RenderableType:
    """The plan for a model: who is tried, in order, and why the others are not. Its error is the command's to tell."""
    del look
    head = facts((("model", name(report.model)), ("rule", one_line(report.rule) or NONE), *_strictness(report)))
    steps = table(
        [
            Column("#", right=True),
            Column("Provider"),
            Column("Model", fold=True),
            Column("Lane", spare=1),
            Column("Why", fold=True),
        ],
        [_step_row(number, step) for number, step in enumerate(report.steps, 1)],
    )
    skipped = facts((one.provider, one_line(one.reason)) for one in report.skipped)
    left_out = Text("Left out", style="bold") if report.skipped else None
    return stacked(head, steps if report.steps else None, _under(left_out, skipped))


def _strictness(report: PlanReport) -> tuple[tuple[str, str], ...]:
    if not report.strict_alias:
        return ()
    return (("strict", f"the alias {one_line(report.strict_alias)} refuses what would lose something"),)


def _under(title: Text | None, body: RenderableType) -> RenderableType | None:
    if title is None:
        return None
    from rich.console import Group

    return Group(title, body)


def _step_row(number: int, step: PlanStep) -> list[Cell]:
    reason = one_line(step.reason)
    if step.substitute:
        reason = f"substitute: {reason}"
    if step.credential:
        reason += f" (key {one_line(step.credential)})"
    return [str(number), name(step.provider), one_line(step.model), step.lane, reason]
