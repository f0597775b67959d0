"""`chat`: one prompt through the daemon, to see that a setup works and who answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.completing import model_names
from proxyctl.cli.context import usage
from proxyctl.cli.failures import FAILED, Failure
from proxyctl.cli.options import context

if TYPE_CHECKING:
    from proxyctl.admin.schema import ModelEntry
    from proxyctl.client.admin import AdminClient
    from proxyctl.client.chat import ChatEnd


def chat(
    ctx: typer.Context,
    prompt: Annotated[
        str | None, typer.Argument(metavar="[PROMPT]", help="What to ask; standard input without it.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Any model name, alias or provider:model.",
            autocompletion=model_names,
        ),
    ] = None,
) -> None:
    """Send one prompt through the daemon and print the answer as it comes.

    Without --model the primary's cheapest model answers. Who served, tokens and time are told on standard error. Exits
    with 1 when the answer was cut.
    """
    from proxyctl.client.chat import chat as send
    from proxyctl.client.errors import RefusedError

    cli = context(ctx)
    text = prompt if prompt is not None else _from_input()
    client = cli.connect()
    chosen = model or default_model(client)
    began = time.monotonic()
    try:
        end, first = _print_as_it_comes(send(client.endpoint, text, chosen))
    except RefusedError as exc:
        advice = (
            f"`proxyctl explain {chosen}` shows why" if exc.status == 404 else "`proxyctl logs` shows what was tried"
        )
        raise Failure(exc.message, hint=exc.hint or advice) from None
    took = time.monotonic() - began
    cli.output.say(_told(end, first=None if first is None else first - began, took=took))
    if end.losses:
        cli.output.say(f"Fields lost in translation: {end.losses}; `proxyctl logs` names them.")
    if end.cut:
        raise Failure(f"the answer was cut: {end.cut}", hint=_after_cut(end), code=FAILED)


def default_model(client: AdminClient) -> str:
    """The primary's cheapest priced model, as `provider:model`; the next provider's when the primary cannot serve."""
    report = client.status()
    ready = [one for one in report.providers if one.active and one.state in {"ready", "cooling", "failing"}]
    ready.sort(key=lambda one: not one.primary)
    listed = client.models().models
    for provider in ready:
        own = [one for one in listed if one.provider == provider.name]
        if own:
            return f"{provider.name}:{min(own, key=_price).id}"
    raise Failure(
        "no provider that can serve has listed a model",
        hint="`proxyctl health` shows who answers; or name a model: `proxyctl chat --model MODEL …`",
    )


def _price(model: ModelEntry) -> Decimal:
    prices = (model.input_price, model.output_price)
    # Free of charge mostly means limited or not for chat; unknown may mean anything.
    if prices[0] is None or prices[1] is None or not prices[1]:
        return Decimal("Infinity")
    return prices[0] + prices[1]


def _from_input() -> str:
    text = "" if sys.stdin.isatty() else sys.stdin.read().strip()
    if not text:
        raise usage("there is no prompt", '`proxyctl chat "Say hello"`')
    return text


def _print_as_it_comes(pieces: Generator[str, None, ChatEnd]) -> tuple[ChatEnd, float | None]:
    """Write each piece at once; return the end, and when the first piece came (`time.monotonic`)."""
    from proxyctl.cli.views.figures import clean

    first: float | None = None
    last = "\n"
    while True:
        try:
            piece = next(pieces)
        except StopIteration as stop:
            end: ChatEnd = stop.value
            break
        first = first or time.monotonic()
        sys.stdout.write(clean(piece))
        sys.stdout.flush()
        last = piece
    if not last.endswith("\n"):
        sys.stdout.write("\n")
        sys.stdout.flush()
    return end, first


def _told(end: ChatEnd, *, first: float | None, took: float) -> str:
    from proxyctl.cli.views.figures import duration, one_line

    told = [f"{end.provider or 'unknown provider'}:{one_line(end.served) or 'unknown model'}"]
    if end.input_tokens is None or end.output_tokens is None:
        told.append("tokens unknown")
    else:
        told.append(f"{end.input_tokens:,} in, {end.output_tokens:,} out")
    if first is not None:
        told.append(f"first after {duration(first * 1000)}")
    told.append(duration(took * 1000))
    if end.finish not in {"", "stop"}:
        told.append(f"ended by {end.finish}")
    return "  ".join(told)


def _after_cut(end: ChatEnd) -> str:
    return (
        f"`proxyctl logs {end.provider}` shows what happened" if end.provider else "`proxyctl logs` shows what happened"
    )
