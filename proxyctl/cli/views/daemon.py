"""`proxyctl status`, and what `start` says when it is done."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from proxyctl.admin.schema import DaemonStatus
from proxyctl.cli.views.figures import Look, one_line, several, span
from proxyctl.cli.views.tables import facts, name, stacked
from proxyctl.daemon.ready import Ready

INBOUND = (("OpenAI SDKs", "/v1"), ("Anthropic SDKs", ""), ("Google SDKs", ""))
"""What a client of each dialect takes as its base URL, below the daemon's address."""


def render(status: DaemonStatus, look: Look) -> RenderableType:
    del look
    state = Text("running")
    if status.draining:
        state = Text("stopping: it finishes what runs and takes nothing new", style="yellow")
    return facts(
        (
            ("daemon", state),
            ("address", name(status.address)),
            ("uptime", span(status.uptime_seconds)),
            ("active", several(status.active_exchanges, "request")),
            ("version", status.version),
            ("pid", str(status.pid)),
            ("instance", status.instance),
            ("config", one_line(status.config_path)),
            ("log", one_line(status.log_path)),
        )
    )


def base_urls(address: str) -> RenderableType:
    """What to put into a client as `base_url`."""
    return facts((title, Text(f"{address}{path}", style="bold")) for title, path in INBOUND)


def started(ready: Ready, look: Look) -> RenderableType:
    """After a start: where to point a client, who takes part, and what a first start has done."""
    del look
    where = Text.assemble("proxyctl ", ready.version, " is ready at ", (ready.address, "bold"), f" (pid {ready.pid})")
    return stacked(
        where,
        _lines(ready.first),
        base_urls(ready.address),
        _lines(ready.providers) if not ready.first else None,
        _lines(ready.notes),
    )


def nobody(keys: Sequence[tuple[str, str]], look: Look) -> RenderableType:
    """After a start that leaves nobody to serve. `keys` are kinds and their variables, the primary first."""
    del look
    (first, variable), *others = keys
    lines = [
        "Nobody can serve yet: no provider that is switched on has a key.",
        f"Set {variable} in the environment or in .env and run `proxyctl restart`,",
        f"or store a key with `proxyctl providers key {first}`.",
    ]
    if others:
        lines.append(f"Other keys: {', '.join(name for _, name in others)};")
        lines.append("switch their providers on with `proxyctl providers set NAME fallback`.")
    return Text("\n".join([*lines, "No key at hand? `proxyctl demo` shows everything on simulated providers."]))


def _lines(texts: tuple[str, ...]) -> RenderableType | None:
    return Text("\n".join(one_line(text) for text in texts)) if texts else None
