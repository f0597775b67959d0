"""What every command is handed: where the files are, how to reach the daemon, where to print.

The daemon is found by its state file; without one, at the address that the config file names. Everything is looked up
when it is asked for, because most commands need little of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from proxyctl.cli.failures import USAGE, Failure, unknown_name
from proxyctl.cli.output import Output

if TYPE_CHECKING:
    from proxyctl.client.admin import AdminClient
    from proxyctl.client.connection import Endpoint
    from proxyctl.config.kinds import Kinds
    from proxyctl.config.paths import Paths

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
    def endpoint(self) -> Endpoint:
        """Where the daemon is, or would be."""
        from proxyctl.client.connection import Endpoint
        from proxyctl.daemon.lock import read_state

        state = read_state(self.paths.state_file)
        if state is not None:
            return Endpoint(state.address, state.token)
        return Endpoint(self._configured_address())

    def connect(self) -> AdminClient:
        """The client of the daemon, which may turn out not to run."""
        from proxyctl.client.admin import AdminClient

        return AdminClient(self.endpoint)

    def running(self) -> AdminClient | None:
        """The client of a daemon that answers, `None` when none runs. Raises `ClientError` for one that misbehaves."""
        from proxyctl.client.errors import NotRunningError

        client = self.connect()
        try:
            client.daemon()
        except NotRunningError:
            return None
        return client

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

    def _configured_address(self) -> str:
        server = self.raw_config().get("server")
        table = server if isinstance(server, dict) else {}
        host, port = table.get("host", DEFAULT_HOST), table.get("port", DEFAULT_PORT)
        return f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}"


def usage(message: str, hint: str) -> Failure:
    return Failure(message, hint=hint, code=USAGE)
