"""Write `docs/cli.md` from the command tree: `python -m proxyctl.cli.reference > docs/cli.md`.

The page says what `--help` says, from the same source, so that neither can be forgotten; tests compare the file with
`reference()`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from proxyctl.cli.app import COMMANDS, app
from proxyctl.cli.lazy import Entry, build

_HEAD = """\
<!-- Written by `python -m proxyctl.cli.reference > docs/cli.md`; do not edit. -->

# The command

`proxyctl` starts and stops the daemon, edits its config, and shows what it sees. `proxyctl COMMAND --help` prints what
stands here. Data goes to standard output, talk to standard error; `--json` prints the management API's own JSON
([management-api.md](management-api.md)). In a pipe no line is broken and live views become lines; a narrow terminal
gets fewer columns, never half a number.

Commands ask the daemon of their own home (`PROXYCTL_HOME`, else the platform's folders), which they find by its state
file. Another home's daemon on the same port is neither shown nor changed.
"""

_EXIT_CODES = """\
## Exit codes

| code | means |
|---|---|
| 0 | fine |
| 1 | failed: the error says why, the hint names the command that would help |
| 2 | wrong usage: a command, option, name or value that does not exist |
| 3 | the daemon does not run, takes nothing new because it is stopping, or is another home's |
| 4 | the config is invalid; nothing was changed |
| 130 | interrupted with Ctrl-C |
"""

_ENVIRONMENT = """\
## Environment

| variable | means |
|---|---|
| `PROXYCTL_CONFIG` | the config file, when `--config` does not name one |
| `PROXYCTL_HOME` | one folder for config, secrets, state and log |
| `VISUAL`, `EDITOR` | the editor of `proxyctl config edit` |
| `NO_COLOR` | no colours |
| `COLUMNS` | the width of tables |
"""


def reference() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    parts = [_HEAD, _options_of(root, "## Global options"), _EXIT_CODES, _ENVIRONMENT, _overview()]
    parts += [_page(entry, f"proxyctl {entry.name}", "##") for entry in COMMANDS]
    return "\n".join(part for part in parts if part)


def _overview() -> str:
    sections: dict[str, list[str]] = {}
    for entry in COMMANDS:
        anchor = f"proxyctl-{entry.name}"
        sections.setdefault(entry.section, []).append(f"| [`{entry.name}`](#{anchor}) | {entry.help} |")
    tables = (
        f"**{section}**\n\n| command | does |\n|---|---|\n" + "\n".join(rows) for section, rows in sections.items()
    )
    return "## Commands\n\n" + "\n\n".join(tables) + "\n"


def _page(entry: Entry, path: str, heading: str) -> str:
    command = build(entry)
    if entry.children:
        below = (_page(child, f"{path} {child.name}", heading + "#") for child in entry.children)
        return f"{heading} {path}\n\n{entry.help}\n\n" + "\n".join(below)
    usage = f"{path} {' '.join(command.collect_usage_pieces(None))}"
    text = "\n".join(line.strip() for line in command.help.strip().splitlines())
    return f"{heading} {path}\n\n```\n{usage}\n```\n\n{text}\n{_options_of(command)}"


def _options_of(command: Any, heading: str = "") -> str:
    rows = list(_rows(command))
    if not rows:
        return ""
    title = f"{heading}\n\n" if heading else "\n"
    return f"{title}| | |\n|---|---|\n" + "\n".join(rows) + "\n"


def _rows(command: Any) -> Iterator[str]:
    for param in command.params:
        if param.hidden or not param.help:
            continue
        if param.param_type_name == "argument":
            yield f"| `{param.metavar}` | {param.help} |"
            continue
        metavar = "" if param.is_flag else f" {param.metavar or param.name.upper()}"
        default = "" if param.is_flag or param.default is None else f" Default: {param.default}."
        yield f"| `{', '.join(reversed(param.opts))}{metavar}` | {param.help}{default} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
