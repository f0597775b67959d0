"""The command tree, its global options, and the edge where every error becomes two lines and an exit code.

Nothing here may import more than typer: `proxyctl --help` and a mistyped command pay for what this module loads.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typing_extensions import override

from proxyctl import __version__
from proxyctl.cli.failures import INTERRUPTED, USAGE, explained
from proxyctl.cli.lazy import SETTINGS, Entry, LazyGroup

_DAEMON, _PROVIDERS, _SEEING, _SETUP, _TRY = "Daemon", "Providers and models", "Seeing", "Setup", "Trying"

COMMANDS = (
    Entry("start", "Start the daemon, and wait until it is ready.", "daemon:start", _DAEMON),
    Entry("stop", "Stop the daemon after its running requests.", "daemon:stop", _DAEMON),
    Entry("restart", "Stop the daemon if it runs, and start it.", "daemon:restart", _DAEMON),
    Entry("status", "Show whether the daemon runs, where, and since when.", "daemon:status", _DAEMON),
    Entry("reload", "Make the running daemon read its config again.", "daemon:reload", _DAEMON),
    Entry(
        "providers",
        "List the providers, set their modes and keys, add and remove them.",
        section=_PROVIDERS,
        children=(
            Entry("list", "List the providers, their modes, and whether they can serve.", "providers:show_all"),
            Entry("show", "Show all that is known of one provider.", "providers:show"),
            Entry("set", "Set the mode of one or several providers.", "modes:set_mode"),
            Entry("key", "Store a provider's key, from a hidden prompt or standard input.", "keys:key"),
            Entry("add", "Add a provider to the config: any OpenAI-compatible server.", "modes:add"),
            Entry("remove", "Remove a provider from the config.", "modes:remove"),
            Entry("test", "Ask a provider whether it answers; never a paid call.", "providers:ask"),
            Entry("reset", "Drop a provider's waits, so that it is tried at once.", "providers:reset"),
        ),
    ),
    Entry("models", "List the models that the providers offer, with their prices.", "models:models", _PROVIDERS),
    Entry("explain", "Show who would serve a model, in which order, and why.", "models:explain", _PROVIDERS),
    Entry("metrics", "Show requests, errors, tokens, cost and times per provider.", "metrics:metrics", _SEEING),
    Entry("logs", "Show the latest requests, or follow them.", "logs:logs", _SEEING),
    Entry("costs", "Show what each model cost.", "metrics:costs", _SEEING),
    Entry("health", "Show which providers answer.", "providers:health", _SEEING),
    Entry(
        "config",
        "Show, check and edit the config file.",
        section=_SETUP,
        children=(
            Entry("path", "Print where the config file is.", "config:path"),
            Entry("show", "Print the config file; keys are never in it.", "config:show"),
            Entry("edit", "Open the config file in your editor, check it, and reload.", "config:edit"),
            Entry("validate", "Check the config file and say everything that is wrong.", "config:validate"),
        ),
    ),
    Entry("completion", "Print a shell's completion script.", "completion:completion", _SETUP),
    Entry("chat", "Send one prompt through the daemon and print the answer as it comes.", "chat:chat", _TRY),
    Entry("demo", "Run a daemon on simulated providers, no key needed, and send it traffic.", "demo:demo", _TRY),
)


class Root(LazyGroup):
    """The root group; its `main` is the edge."""

    entries = COMMANDS

    @override
    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        del complete_var, standalone_mode
        words = list(sys.argv[1:] if args is None else args)
        if os.environ.get("_PROXYCTL_COMPLETE"):
            from proxyctl.cli.completing import answer_the_shell

            answer_the_shell(self, words)
            sys.exit(0)
        sys.exit(self._run(words, windows_expand_args=windows_expand_args, **extra))

    def _run(self, words: list[str], **extra: Any) -> int:
        try:
            ended = super().main(words, prog_name="proxyctl", standalone_mode=False, **extra)
            sys.stdout.flush()
        except BrokenPipeError:
            return _reader_left()
        except KeyboardInterrupt:
            return INTERRUPTED
        except Exception as exc:
            code = _tell(exc)
            if code is None:
                raise
            return code
        return ended if isinstance(ended, int) else 0


def _tell(exc: Exception) -> int | None:
    """Show a foreseen error and return its exit code; `None` for a bug, which is to keep its traceback."""
    if type(exc).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{exc.ctx.get_help()}\n")  # type: ignore[attr-defined]  # typer keeps the class private
        return USAGE
    failure = explained(exc)
    if failure is None:
        return None
    from proxyctl.cli.output import tell_failure

    tell_failure(failure)
    return failure.code


def _reader_left() -> int:
    """The reader of our output has seen enough (`| head`). Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


app = typer.Typer(
    name="proxyctl",
    cls=Root,
    help="A local LLM gateway: one daemon for all your providers, and what it sees.",
    epilog="Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 the daemon does not run, 4 the config is invalid.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"proxyctl {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="PATH", help="Use this config file.", show_default=False)
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version
    from proxyctl.cli.context import CliContext

    ctx.obj = ctx.obj or CliContext.create(config, os.environ)
