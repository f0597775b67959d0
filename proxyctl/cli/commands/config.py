"""`config path|show|edit|validate`: the file itself. None of them needs a daemon."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxyctl.cli.commands.modes import tell_the_daemon
from proxyctl.cli.context import CliContext
from proxyctl.cli.failures import CONFIG_INVALID, Failure, explained
from proxyctl.cli.options import Json, context

if TYPE_CHECKING:
    from proxyctl.config.problems import ConfigError

MASK = "***"


def path(ctx: typer.Context, as_json: Json = False) -> None:
    """Print where the config file is.

    With --json, where everything is: secrets, state and log too.
    """
    cli = context(ctx)
    paths = cli.paths
    if not as_json:
        cli.output.data(str(paths.config_file))
        return
    names = ("config_file", "secrets_file", "state_file", "log_file", "data_dir")
    cli.output.json({name: str(getattr(paths, name)) for name in names})


def show(ctx: typer.Context, as_json: Json = False) -> None:
    """Print the config file; keys are never in it.

    A key that somebody pasted into it all the same is shown as ***.
    """
    from proxyctl.config.load import parse_toml, read_text

    cli = context(ctx)
    text = read_text(cli.paths.config_file)
    raw = parse_toml(text, cli.paths.config_file)
    for pasted in _pasted(raw):
        text = text.replace(pasted, MASK)
    cli.output.json(parse_toml(text, cli.paths.config_file)) if as_json else cli.output.data(text.rstrip("\n"))


def _pasted(raw: dict[str, Any]) -> list[str]:
    """What stands where a reference to a key belongs, longest first, so that no rest of a key is left."""
    from proxyctl.config.references import is_reference

    providers = raw.get("providers")
    tables = [raw.get("server"), *(providers.values() if isinstance(providers, dict) else ())]
    found: list[str] = []
    for table in tables:
        if not isinstance(table, dict):
            continue
        for key in ("key", "keys"):
            values = table.get(key, [])
            found += [one for one in (values if isinstance(values, list) else [values]) if isinstance(one, str)]
    return sorted((text for text in found if text and not is_reference(text)), key=len, reverse=True)


def validate(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Another file than the config.")] = None,
    as_json: Json = False,
) -> None:
    """Check the config file and say everything that is wrong.

    Exits with 4 when something is.
    """
    from proxyctl.config.load import load
    from proxyctl.config.problems import ConfigError

    cli = context(ctx)
    target = file or cli.paths.config_file
    try:
        settings = load(target, cli.kinds)
    except ConfigError as exc:
        if not as_json:
            raise
        cli.output.json({"valid": False, "path": str(target), "problems": _problems(exc)})
        raise typer.Exit(CONFIG_INVALID) from None
    if as_json:
        cli.output.json({"valid": True, "path": str(target), "problems": []})
        return
    modes = ", ".join(f"{name} {one.mode}" for name, one in settings.providers.items())
    cli.output.data(f"{target} is valid: {modes or 'no providers'}")


def _problems(exc: ConfigError) -> list[dict[str, Any]]:
    return [
        {
            "line": problem.line or None,
            "column": problem.column,
            "key": problem.key_path,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in exc.problems
    ]


def edit(ctx: typer.Context) -> None:
    """Open the config file in your editor, check it, and reload.

    You edit a copy, which replaces the file when it is valid; a text that is not is kept. $VISUAL or $EDITOR says which
    editor.
    """
    from proxyctl.config.files import replace_file

    cli = context(ctx)
    target = cli.paths.config_file
    before = _bytes_of(target)
    draft = _draft(cli, target, before)
    text = _edited(cli, draft, before)
    if text == before:
        draft.unlink()
        cli.output.say("Nothing was changed.")
        return
    if _bytes_of(target) != before:
        raise Failure("the config has changed meanwhile", hint=f"your text is kept in {draft}")
    replace_file(target, text)
    draft.unlink()
    cli.output.data(f"{target} is changed")
    tell_the_daemon(cli, [])


def _bytes_of(target: Path) -> bytes:
    """The file as it is: what is broken must open too. Raises `ConfigError` when there is none."""
    from proxyctl.config.load import read_text

    if not target.exists():
        read_text(target)
    return target.read_bytes()


def _draft(cli: CliContext, target: Path, before: bytes) -> Path:
    """The copy to edit: a new one, or the text that was kept the last time. None is ever written over."""
    from proxyctl.config.files import replace_file

    drafts = [target.with_name(f"{target.stem}.draft{number}{target.suffix}") for number in ("", *range(2, 100))]
    kept = [one for one in drafts if one.exists()]
    if kept:
        cli.output.say(f"A text that was not valid is kept in {kept[-1]}.")
        if sys.stdin.isatty() and _yes("Go on with it?"):
            return kept[-1]
    free = [one for one in drafts if not one.exists()]
    if not free:
        raise Failure(f"there are too many drafts beside {target}", hint="remove those that you do not need")
    replace_file(free[0], before)
    return free[0]


def _edited(cli: CliContext, draft: Path, before: bytes) -> bytes:
    """The draft once it is valid; the editor opens again as often as somebody wants."""
    from proxyctl.config.load import parse, read_text
    from proxyctl.config.problems import ConfigError

    while True:
        _open_editor(cli, draft, before)
        try:
            parse(read_text(draft), cli.kinds, path=draft)
        except ConfigError as exc:
            problem = explained(exc) or Failure(str(exc))
        else:
            return draft.read_bytes()
        if not _again(cli, problem):
            raise _given_up(draft, before, problem)


def _given_up(draft: Path, before: bytes, problem: Failure) -> Failure:
    if draft.read_bytes() == before:
        draft.unlink()
        hint = "nothing was changed; `proxyctl config edit` opens it again"
    else:
        hint = f"your text is kept in {draft}; the config is as it was. `proxyctl config edit` goes on with it"
    return Failure(problem.message, hint=hint, code=CONFIG_INVALID)


def _open_editor(cli: CliContext, draft: Path, before: bytes) -> None:
    command = cli.environ.get("VISUAL") or cli.environ.get("EDITOR") or "vi"
    try:
        ended = subprocess.run([*shlex.split(command), str(draft)], check=False)  # noqa: S603 - the user's own editor
    except OSError as exc:
        raise Failure(
            f"{command} cannot be started: {exc.strerror}",
            hint=f"set EDITOR to your editor; {_put_away(draft, before)}",
        ) from None
    if ended.returncode:
        raise Failure(f"{command} ended with {ended.returncode}", hint=_put_away(draft, before))


def _put_away(draft: Path, before: bytes) -> str:
    """Take the draft away when there is nothing new in it; what has become of it, in words."""
    if draft.read_bytes() == before:
        draft.unlink()
        return "nothing was changed"
    return f"your text is kept in {draft}; the config is as it was"


def _again(cli: CliContext, problem: Failure) -> bool:
    """Whether to open the editor once more; only a person at a terminal can say."""
    if not sys.stdin.isatty():
        return False
    cli.output.say(problem.message)
    return _yes("Edit again?")


def _yes(question: str) -> bool:
    sys.stderr.write(f"{question} [Y/n] ")
    sys.stderr.flush()
    return not re.match(r"\s*n", sys.stdin.readline(), re.IGNORECASE)
