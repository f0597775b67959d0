"""What can go wrong between the command and the daemon's process.

    DaemonError(ProxyctlError)          message, and the hint that would help
      ├─ AlreadyRunningError            carries the state of the one that runs
      ├─ NotRunningError
      ├─ UnresponsiveError              somebody holds the lock and does not answer
      ├─ StoppingError                  it has closed its door and finishes what runs
      ├─ PortTakenError                 names the owner where the system tells
      ├─ CannotListenError              no such address here, or no right to the port
      ├─ StartRefusedError              the daemon said why it will not start; `code` is stable
      ├─ StartDiedError                 it ended without a word; carries its last lines
      ├─ StartTimeoutError              it neither became ready nor died in time
      └─ StillRunningError              it could not be stopped

The command decides on exit codes; nothing here prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyctl.core.errors import ProxyctlError

if TYPE_CHECKING:
    from proxyctl.daemon.lock import DaemonState
    from proxyctl.daemon.port import Owner
    from proxyctl.daemon.probe import Stopping


class DaemonError(ProxyctlError):
    """The root. `hint` is `""` when nothing can be advised."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AlreadyRunningError(DaemonError):
    """`state` is of the daemon that runs."""

    def __init__(self, state: DaemonState) -> None:
        super().__init__(
            f"proxyctl already runs at {state.address} (pid {state.pid})",
            hint="`proxyctl restart` starts it anew, `proxyctl reload` reads a changed config",
        )
        self.state = state


class NotRunningError(DaemonError):
    """No daemon holds the lock."""

    def __init__(self) -> None:
        super().__init__("proxyctl is not running", hint="start it with `proxyctl start`")


class UnresponsiveError(DaemonError):
    """A daemon holds the lock, but none answers as the state file says. `state` may be missing or of another run."""

    def __init__(self, state: DaemonState | None) -> None:
        where = f" (pid {state.pid}, {state.address})" if state else ""
        super().__init__(
            f"a daemon is there{where} but does not answer",
            hint="`proxyctl stop` ends it; its log says more" if state else "wait until it has started or stopped",
        )
        self.state = state


class StoppingError(DaemonError):
    """Somebody holds the lock and takes no connections any more; `found` says what is known of it."""

    def __init__(self, found: Stopping) -> None:
        if found.is_draining:
            message = f"the daemon (pid {found.state.pid}) is stopping: it finishes what runs and takes nothing new"
            hint = "wait until it has ended, then `proxyctl start`"
        else:
            message = f"the daemon (pid {found.state.pid}) runs, but takes no connections at {found.state.address}"
            hint = f"`proxyctl restart` ends a daemon that hangs; its log is {found.state.log_path}"
        if found.progress is not None:
            requests = "1 request was" if found.progress.active == 1 else f"{found.progress.active} requests were"
            message += f"; {requests} open when last seen"
        super().__init__(message, hint=hint)
        self.found = found


class PortTakenError(DaemonError):
    """`owner` is `None` when the system does not tell who listens there."""

    def __init__(self, host: str, port: int, owner: Owner | None) -> None:
        who = f" by {owner}" if owner else " by another program"
        super().__init__(
            f"port {port} on {host} is taken{who}",
            hint=f"choose another with `proxyctl start --port {port + 1 if port < 65_535 else 8094}`",
        )
        self.owner = owner


class CannotListenError(DaemonError):
    """The address is not this machine's, or its port needs more rights."""


class StartRefusedError(DaemonError):
    """The daemon itself said why. `code`: `config_invalid`, `already_running` and so on."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class StartDiedError(DaemonError):
    """`lines` are the last that it wrote, oldest first."""

    def __init__(self, exit_code: int, lines: tuple[str, ...]) -> None:
        how = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
        super().__init__(
            f"the daemon {how} before it was ready", hint="`proxyctl start --foreground` shows all it says"
        )
        self.exit_code = exit_code
        self.lines = lines


class StartTimeoutError(DaemonError):
    """`lines` are the last that it wrote; it has been ended."""

    def __init__(self, seconds: float, lines: tuple[str, ...]) -> None:
        super().__init__(
            f"the daemon was not ready within {seconds:g} s and has been ended",
            hint="`proxyctl start --foreground` shows where it hangs",
        )
        self.lines = lines


class StillRunningError(DaemonError):
    """Neither asking nor signals helped."""

    def __init__(self, pid: int | None) -> None:
        process = f"process {pid}" if pid else "the process that holds the lock"
        super().__init__(f"{process} could not be ended", hint="end it by hand, then run `proxyctl start`")
        self.pid = pid
