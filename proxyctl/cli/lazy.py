"""A group of commands that are imported when they are called.

The tree is data (`Entry`), so that help, suggestions and completion know every command without importing one: the
whole help appears in the time that typer itself takes to load.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from proxyctl.cli.failures import USAGE, Failure, nearest
from proxyctl.cli.parameters import read_plainly

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@dataclass(frozen=True, slots=True)
class Entry:
    """One command, as `module:function` below `proxyctl.cli.commands`, or a group with `children`.

    `help` is the first line of the function's docstring (a test compares them); `section` is its heading in the help.
    """

    name: str
    help: str
    target: str = ""
    section: str = "Commands"
    children: tuple[Entry, ...] = ()


class Command(TyperCommand):
    """Typer's command, reading its words plainly."""

    @override
    def get_params(self, ctx: Any) -> Any:
        return read_plainly(super().get_params(ctx))

    @override
    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """As the metavars say, which typer would put into brackets of its own."""
        return ["[OPTIONS]", *(name for name, _ in self._arguments())]

    @override
    def format_options(self, ctx: Any, formatter: Any) -> None:
        arguments = self._arguments()
        if arguments:
            with formatter.section("Arguments"):
                formatter.write_dl(arguments)
        records = (one.get_help_record(ctx) for one in self.get_params(ctx) if one.param_type_name == "option")
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record is not None])

    def _arguments(self) -> list[tuple[str, str]]:
        found: list[Any] = [one for one in self.params if one.param_type_name == "argument"]
        return [(one.metavar or one.name.upper(), one.help or "") for one in found if not one.hidden]


class LazyGroup(TyperGroup):
    """Typer's group over a table of entries."""

    entries: tuple[Entry, ...] = ()

    @override
    def get_params(self, ctx: Any) -> Any:
        return read_plainly(super().get_params(ctx))

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return [entry.name for entry in self.entries]

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = next((entry for entry in self.entries if entry.name == cmd_name), None)
        return None if entry is None else build(entry)

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx) and not ctx.resilient_parsing:
            path = ctx.command_path
            near = " or ".join(f"`{path} {one}`" for one in nearest(name, tuple(self.list_commands(ctx)), at_most=2))
            hint = f"did you mean {near}?" if near else f"`{path} --help` lists the commands"
            raise Failure(f"there is no command `{path} {name}`", hint=hint, code=USAGE)
        return super().resolve_command(ctx, args)

    @override
    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """From the table: importing every command for the sake of its help would be felt at each Tab."""
        from typer._click.shell_completion import CompletionItem

        commands = [CompletionItem(one.name, help=one.help) for one in self.entries if one.name.startswith(incomplete)]
        return [*commands, *super(TyperGroup, self).shell_complete(ctx, incomplete)]

    @override
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sections = dict.fromkeys(entry.section for entry in self.entries)
        widest = max(len(entry.name) for entry in self.entries)
        for section in sections:
            rows = [(entry.name.ljust(widest), entry.help) for entry in self.entries if entry.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)


def build(entry: Entry) -> Any:
    """The command of an entry, imported now, or its group, which imports nothing yet."""
    if entry.children:
        group = LazyGroup(
            name=entry.name,
            help=entry.help,
            no_args_is_help=True,
            rich_markup_mode=None,
            context_settings=SETTINGS,
        )
        group.entries = entry.children
        return group
    module, _, function = entry.target.partition(":")
    single = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=SETTINGS)
    single.command(entry.name, cls=Command)(getattr(import_module(f"proxyctl.cli.commands.{module}"), function))
    return typer.main.get_command(single)
