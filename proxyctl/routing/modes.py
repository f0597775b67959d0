"""What a provider's mode means for routing, and the word that people see for its state.

`exclusive` stands alone, `pooled` providers are the first choice, `fallback` providers follow in order of priority.
`off` and inactive providers (no usable credential) take no part whatever else is configured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, Protocol, TypeVar

from proxyctl.config.kinds import Mode

if TYPE_CHECKING:
    from proxyctl.routing.availability import Availability
    from proxyctl.routing.snapshot import Snapshot

_TOLD = 3
"""So many things out of use are told in a note; a list of all would fill the screen."""

StateWord = Literal["ready", "inactive", "off", "shadowed", "cooling", "failing"]


class Moded(Protocol):
    """What this module must know of a provider."""

    @property
    def name(self) -> str: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def inactive(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def position(self) -> int: ...
    @property
    def credentials(self) -> tuple[str, ...]: ...


V = TypeVar("V", bound=Moded)


class Standing(NamedTuple, Generic[V]):
    """The providers by what their modes make of them.

    `exclusive` may be inactive: it still keeps the others out, since the user said that nobody else is asked.
    `pooled` is in file order, `fallback` in order of priority; both hold only providers that can be called.
    """

    exclusive: V | None
    pooled: tuple[V, ...]
    fallback: tuple[V, ...]


class State(NamedTuple):
    """`word` for a table's cell, `note` for the rest of the sentence."""

    word: StateWord
    note: str = ""


def standing_of(providers: Sequence[V]) -> Standing[V]:
    """Sort providers, given in file order, by their modes."""
    active = [view for view in providers if not view.inactive]
    return Standing(
        exclusive=next((view for view in providers if view.mode == "exclusive"), None),
        pooled=tuple(view for view in active if view.mode == "pooled"),
        fallback=tuple(
            sorted(
                (view for view in active if view.mode == "fallback"),
                key=lambda view: (view.priority, view.position),
            )
        ),
    )


def absence(view: Moded) -> str:
    """Why a provider takes no part in anything, `""` when it does."""
    if view.mode == "off":
        return f"off; `{enable_command(view.name)}` lets it take part"
    if view.inactive:
        return f"inactive: {view.inactive}"
    return ""


def enable_command(name: str) -> str:
    """The command that lets an `off` provider take part without moving traffic to it."""
    return f"proxyctl providers set {name} fallback"


def state_of(name: str, snapshot: Snapshot, availability: Availability, now: float) -> State:
    """What routing sees in a provider now. `now` is in Unix seconds.

    A provider whose every key was refused is inactive like one without a key, until a trial succeeds.
    """
    view = snapshot.providers[name]
    if view.mode == "off":
        return State("off", f"`{enable_command(name)}` lets it take part")
    if view.inactive:
        return State("inactive", view.inactive)
    outs = availability.entries(name, now)
    refused = [out for out in outs if out.kind == "credential"]
    if len(refused) >= max(1, len(view.credentials)):
        return State("inactive", f"{refused[0].describe(now)}; `proxyctl providers reset {name}` tries again")
    exclusive = snapshot.standing.exclusive
    if exclusive is not None and exclusive.name != name:
        escape = ", and tried when it fails" if snapshot.routing.exclusive_escape else ""
        return State("shadowed", f"shadowed by {exclusive.name}{escape}")
    cooling = [out for out in outs if out.kind == "cooling"]
    # A reload may have left fewer keys than there were when something was put out of use.
    labels: dict[int | None, str] = dict(enumerate(view.credentials)) if len(view.credentials) > 1 else {}
    failing = [out for out in outs if out.kind == "failing"]
    told = [out.describe(now, labels.get(out.credential, "")) for out in [*failing, *cooling] or outs]
    return State("failing" if failing else "cooling" if cooling else "ready", "; ".join(told[:_TOLD]))
