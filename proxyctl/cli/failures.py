"""Turn what went wrong into what the user reads: `error: …`, `hint: …`, and an exit code.

Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 the daemon does not run, 4 the config is invalid, 130 interrupted. Only
errors that are made on purpose are explained here; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

FAILED = 1
USAGE = 2
NOT_RUNNING = 3
CONFIG_INVALID = 4
INTERRUPTED = 130


class Failure(Exception):  # noqa: N818 - it is the end of a command, and always shown as one
    """A command that ends here. `hint` is what would help; empty when nothing is known to."""

    def __init__(self, message: str, *, hint: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


def explained(exc: BaseException) -> Failure | None:
    """The failure that `exc` is for the user, `None` when it is a bug. Each family is looked up in its own module."""
    if isinstance(exc, Failure):
        return exc
    if isinstance(exc, OSError):
        return _of_system(exc)
    family = type(exc).__module__.split(".")[:2]
    match family:
        case ["typer", _]:
            return _of_usage(exc)
        case ["proxyctl", "client"]:
            return _of_client(exc)
        case ["proxyctl", "config"]:
            return _of_config(exc)
        case ["proxyctl", "daemon"]:
            return _of_daemon(exc)
        case _:
            return None


def unknown_name(what: str, given: str, known: tuple[str, ...], *, listing: str) -> Failure:
    """A name that does not exist, with the nearest one, or the command that lists them."""
    return Failure(
        f"there is no {what} `{given}`", hint=suggestion(given, known) or f"`{listing}` shows them", code=USAGE
    )


def suggestion(given: str, known: tuple[str, ...]) -> str:
    """A question with the nearest known name, `""` when none is near."""
    near = nearest(given, known)
    return f"did you mean `{near[0]}`?" if near else ""


def nearest(given: str, known: tuple[str, ...], *, at_most: int = 1) -> list[str]:
    return get_close_matches(given.lower(), known, n=at_most, cutoff=0.55)


def _of_usage(exc: BaseException) -> Failure | None:
    told: Any = exc  # typer's exception classes are private names: read what they carry
    if not hasattr(exc, "format_message"):
        return Failure("stopped: nothing was entered", code=FAILED) if type(exc).__name__ == "Abort" else None
    context = getattr(exc, "ctx", None)
    command = context.command_path if context else "proxyctl"
    hint = f"`{command} --help` shows how"
    message = told.format_message().strip()
    possible = getattr(exc, "possibilities", None)
    if possible:
        message = message.split(" (Possible")[0].split(" Did you mean")[0]
        hint = f"did you mean `{min(possible)}`?"
    message = message.rstrip(".")
    return Failure(message[:1].lower() + message[1:], hint=hint, code=USAGE)


def _of_client(exc: BaseException) -> Failure | None:
    from proxyctl.client import errors

    match exc:
        case errors.ForeignError():
            hint = "`proxyctl start --port 0` starts this home's own; to ask that one, set PROXYCTL_HOME to its home"
            return Failure(exc.message, hint=hint, code=NOT_RUNNING)
        case errors.NotRunningError():
            return Failure(exc.message, hint="start it with `proxyctl start`", code=NOT_RUNNING)
        case errors.SilentError():
            return Failure(exc.message, hint="`proxyctl restart` ends a daemon that hangs")
        case errors.StrangerError():
            return Failure(
                exc.message, hint="another program may have its port: `proxyctl start --port 0` takes another"
            )
        case errors.RefusedError():
            code = {"config_invalid": CONFIG_INVALID, "unknown_provider": USAGE}.get(exc.code, FAILED)
            return Failure(exc.message, hint=exc.hint, code=code)
        case errors.CutError():
            return Failure(exc.message, hint="`proxyctl status` shows whether it still runs")
        case _:
            return None


def _of_config(exc: BaseException) -> Failure | None:
    from proxyctl.config.problems import ConfigError, EditError
    from proxyctl.config.vault import SecretsFileError

    match exc:
        case SecretsFileError():
            return Failure(str(exc), hint=exc.hint)
        case EditError():
            # The file is fine, and what was asked of it is not.
            said = "; ".join(f"{one.key_path}: {one.message}" if one.key_path else one.message for one in exc.problems)
            return Failure(said, hint=next((one.hint for one in exc.problems if one.hint), ""))
        case ConfigError(problems=(one,)) if not one.line:
            where = f"{one.key_path}: " if one.key_path else ""
            return Failure(f"{exc.path}: {where}{one.message}", hint=one.hint, code=CONFIG_INVALID)
        case ConfigError():
            lines = [f"{exc.path} is invalid", *(f"  {problem}" for problem in exc.problems)]
            hint = "`proxyctl config edit` opens it; a running daemon keeps the last good one"
            return Failure("\n".join(lines), hint=hint, code=CONFIG_INVALID)
        case _:
            return None


def _of_daemon(exc: BaseException) -> Failure | None:
    from proxyctl.daemon import errors

    match exc:
        case errors.NotRunningError() | errors.StoppingError():
            return Failure(exc.message, hint=exc.hint, code=NOT_RUNNING)
        case errors.StartRefusedError(code="config_invalid"):
            return Failure(exc.message, hint=exc.hint, code=CONFIG_INVALID)
        case errors.StartDiedError() | errors.StartTimeoutError():
            return Failure("\n".join([exc.message, *(f"  {line}" for line in exc.lines)]), hint=exc.hint)
        case errors.DaemonError():
            return Failure(exc.message, hint=exc.hint)
        case _:
            return None


def _of_system(exc: OSError) -> Failure:
    where = f": {exc.filename}" if exc.filename else ""
    return Failure(f"{(exc.strerror or str(exc)).lower()}{where}")
