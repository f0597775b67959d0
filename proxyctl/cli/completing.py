"""Answer a shell that asks how a command line could go on.

The shells' scripts (`scripts.py`) run `proxyctl` with `_PROXYCTL_COMPLETE` set and the words so far as arguments, the
last one unfinished, and read lines of `value TAB help`. No line means that file names are wanted. Never an error: a
broken config must not break the prompt.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer._click.shell_completion import CompletionItem, ShellComplete
from typing_extensions import override

from proxyctl.cli.context import CliContext
from proxyctl.client.errors import ClientError

_ASK_SECONDS = 0.5

_MODES = (
    ("off", "never used"),
    ("exclusive", "takes all traffic alone"),
    ("pooled", "shares the first choice"),
    ("fallback", "used when the first choice fails"),
)


class Words(ShellComplete):
    """Typer's resolution of an unfinished line, without its scripts and formats."""

    @override
    def get_completion_args(self) -> tuple[list[str], str]:
        raise NotImplementedError("the words come as arguments")

    @override
    def source_vars(self) -> dict[str, Any]:
        raise NotImplementedError("the scripts are our own")

    @override
    def format_completion(self, item: CompletionItem) -> str:
        help_text = " ".join((item.help or "").split())
        return f"{item.value}\t{help_text}" if help_text else str(item.value)


def answer_the_shell(group: Any, words: list[str]) -> None:
    """Print what could stand in the place of the last of `words`."""
    *before, unfinished = words or [""]
    shell = Words(group, {}, "proxyctl", "_PROXYCTL_COMPLETE")
    for item in shell.get_completions(before, unfinished):
        if item.type == "plain":
            sys.stdout.write(f"{shell.format_completion(item)}\n")


def provider_names(ctx: typer.Context) -> list[str]:
    """The providers of the config."""
    return list(_context(ctx).configured_names())


def names_and_modes(ctx: typer.Context) -> list[tuple[str, str]]:
    """For `providers set NAME... MODE`."""
    return [*((name, "provider") for name in provider_names(ctx)), *_MODES]


def names_and_show(ctx: typer.Context) -> list[tuple[str, str]]:
    """For `logs [NAME]` and `logs show ID`."""
    return [*((name, "provider") for name in provider_names(ctx)), ("show", "one request whole")]


def mode_names() -> list[tuple[str, str]]:
    return list(_MODES)


def model_names(ctx: typer.Context) -> list[tuple[str, str]]:
    """The models that a running daemon knows; none when it does not answer at once."""
    return list(_models(_context(ctx)))


def _models(context: CliContext) -> Iterator[tuple[str, str]]:
    from proxyctl.client.admin import AdminClient
    from proxyctl.client.connection import Endpoint

    known = context.endpoint
    endpoint = Endpoint(known.address, known.token, _ASK_SECONDS)
    try:
        context.confirm(endpoint)
        report = AdminClient(endpoint).models()
    except ClientError:
        return
    for model in report.models:
        yield model.id, model.provider
        yield f"{model.provider}:{model.id}", model.provider


def _context(ctx: typer.Context) -> CliContext:
    """While completing no callback runs, so the context that commands get is not there yet."""
    config = ctx.find_root().params.get("config")
    return CliContext.create(Path(config) if config else None, os.environ)
