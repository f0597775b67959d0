"""What every command is handed: where the files are, how to reach the daemon, where to print.

The daemon is found by its state file; without one, at the address that the config file names. Whoever answers there is
believed only when it is this home's daemon. Everything is looked up when it is asked for, because most commands need
little of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from proxyctl.cli.failures import CONFIG_INVALID, USAGE, Failure, unknown_name
from proxyctl.cli.output import Output

if TYPE_CHECKING:
    from proxyctl.client.admin import AdminClient
    from proxyctl.client.connection import Endpoint
    from proxyctl.config.kinds import Kinds
    from proxyctl.config.paths import Paths
    from proxyctl.daemon.lock import DaemonState

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8094


@dataclass
class CliContext:
    """`config` is the file named on the command line, `None` for the usual one; `zone` is `None` for this machine's."""

    config: Path | None
    environ: Mapping[str, str] = field(repr=False)
    now: Callable[[], float] = time.time
    zone: tzinfo | None = None

    @classmethod
    def create(cls, config: Path | None, environ: Mapping[str, str]) -> Self:
        return cls(config, environ)

    @cached_property
    def output(self) -> Output:
        return Output(self.now, self.zone)

    @cached_property
    def paths(self) -> Paths:
        from proxyctl.config.paths import Paths

        return Paths.find(self.config, self.environ)

    @cached_property
    def state(self) -> DaemonState | None:
        """What the last daemon of this home has left of itself; it may be gone."""
        from proxyctl.daemon.lock import read_state

        return read_state(self.paths.state_file)

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where the daemon is, or would be. Who answers there has still to be confirmed: see `connect`."""
        from proxyctl.client.connection import Endpoint

        if self.state is not None:
            return Endpoint(self.state.address, self.state.token)
        return Endpoint(self._configured_address())

    def connect(self) -> AdminClient:
        """The client of this home's daemon, which answers now. Raises `ClientError`, `StoppingError` or `Failure`."""
        from proxyctl.client.admin import AdminClient
        from proxyctl.client.errors import ForeignError, NotRunningError

        self.check_config()
        state = self.state
        if state is None and self._listens_anywhere:
            from proxyctl.daemon import errors

            raise errors.NotRunningError
        try:
            self.confirm(self.endpoint)
        except ForeignError:
            raise
        except NotRunningError:
            self._raise_if_stopping()
            raise
        if state is not None and self.names_config and not self.is_config_of(state):
            self.output.say(f"The daemon runs with {state.config_path}, not with {self.paths.config_file}.")
        return AdminClient(self.endpoint)

    def confirm(self, endpoint: Endpoint) -> None:
        """Return when this home's daemon answers there. Raises `ClientError`."""
        from proxyctl.client.identity import confirm

        instance = self.state.instance if self.state else None
        confirm(endpoint, instance=instance, config_path=str(self.paths.config_file))

    def running(self) -> AdminClient | None:
        """The same, `None` when this home's daemon does not run. Raises `ClientError` for one that misbehaves."""
        from proxyctl.client.errors import NotRunningError
        from proxyctl.daemon import errors

        try:
            return self.connect()
        except (NotRunningError, errors.NotRunningError, errors.StoppingError):
            return None

    def check_config(self) -> None:
        """Raise the failure for a config file that was named and is not there.

        A daemon that runs with it goes on without it, and may be asked.
        """
        if not self.names_config or self.paths.config_file.exists():
            return
        if self.state is not None and self.is_config_of(self.state):
            return
        raise Failure(
            f"{self.paths.config_file}: there is no such file",
            hint="`proxyctl config path` without --config and PROXYCTL_CONFIG shows the usual one",
            code=CONFIG_INVALID,
        )

    @property
    def names_config(self) -> bool:
        """Whether the user has named a config file for this command."""
        return self.config is not None or bool(self.environ.get("PROXYCTL_CONFIG", "").strip())

    def is_config_of(self, state: DaemonState) -> bool:
        """Whether a daemon runs with the config file of this command."""
        return state.config_path == str(self.paths.config_file)

    def _raise_if_stopping(self) -> None:
        from proxyctl.daemon.probe import stopping

        found = stopping(self.paths)
        if found is not None:
            from proxyctl.daemon.errors import StoppingError

            raise StoppingError(found)

    @cached_property
    def kinds(self) -> Kinds:
        """The kinds of provider that config must know of."""
        from proxyctl.providers._registry import KIND_FACTS

        return KIND_FACTS

    def raw_config(self) -> Mapping[str, Any]:
        """The config's tables unchecked, `{}` when it cannot be read: for suggestions, not for decisions."""
        import tomllib

        try:
            return tomllib.loads(self.paths.config_file.read_text("utf-8-sig"))
        except (OSError, ValueError):
            return {}

    def configured_names(self) -> tuple[str, ...]:
        providers = self.raw_config().get("providers")
        return tuple(providers) if isinstance(providers, dict) else ()

    def check_name(self, name: str, known: tuple[str, ...]) -> None:
        """Raise the failure for a provider that nobody knows."""
        if name not in known:
            raise unknown_name("provider", name, known, listing="proxyctl providers list")

    @property
    def _listens_anywhere(self) -> bool:
        """Whether the config asks for any free port, so that only the state file could say where it is."""
        return self._server_table().get("port") == 0

    def _server_table(self) -> dict[str, Any]:
        server = self.raw_config().get("server")
        return server if isinstance(server, dict) else {}

    def _configured_address(self) -> str:
        table = self._server_table()
        host, port = table.get("host", DEFAULT_HOST), table.get("port", DEFAULT_PORT)
        return f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}"


def usage(message: str, hint: str) -> Failure:
    return Failure(message, hint=hint, code=USAGE)
