"""Keep a conversation where it is: splitting it destroys prompt caches and thinking signatures.

A session of one requested model holds the deployment that served it last, until it has been silent for the configured
time, its deployment fails it or is out of use, or the provider's mode changes. Beside the sessions stands the `Draw`
that places new ones. In memory and bounded: the sessions silent for longest are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import NamedTuple

from proxyctl.config.kinds import Mode
from proxyctl.routing.deployment import Deployment
from proxyctl.routing.draw import Draw

LONGEST_SESSION = 200
"""Characters of a session's name that is kept as it is."""


class Hold(NamedTuple):
    """Where a session is. `used_at` is in Unix seconds."""

    provider: str
    model: str
    credential: int
    mode: Mode
    used_at: float


class Affinity:
    """The sessions' places. `key` is what `session_key` makes; an empty key holds nothing."""

    def __init__(self, *, limit: int = 10_000) -> None:
        self.draw = Draw()
        self._holds: OrderedDict[str, Hold] = OrderedDict()
        self._limit = limit
        self._latest = 0.0

    def holds_any(self, now: float, *, seconds: float) -> bool:
        """Whether some session may still have a place."""
        return bool(self._holds) and now - self._latest < seconds

    def held(self, key: str, now: float, *, seconds: float) -> Hold | None:
        """The session's place, unless it has been silent for `seconds` or longer."""
        hold = self._holds.get(key)
        if hold is None or now - hold.used_at >= seconds:
            return None
        return hold

    def succeeded(self, key: str, deployment: Deployment, now: float) -> None:
        """The deployment answered: the session stays there, and the provider is trusted fully again."""
        self.draw.forget(deployment.provider)
        self.draw.forget((deployment.provider, deployment.credential))
        if not key:
            return
        self._holds[key] = Hold(deployment.provider, deployment.model, deployment.credential, deployment.mode, now)
        self._holds.move_to_end(key)
        self._latest = max(self._latest, now)
        if len(self._holds) > self._limit:
            self._holds.popitem(last=False)

    def failed(self, key: str, deployment: Deployment, now: float) -> None:
        """The deployment failed an exchange: its draws shrink, and the session looks for another place."""
        self.draw.failed(deployment.provider, now)
        self.draw.failed((deployment.provider, deployment.credential), now)
        hold = self._holds.get(key)
        if hold is not None and hold[:3] == (deployment.provider, deployment.model, deployment.credential):
            del self._holds[key]

    def release(self, key: str) -> None:
        """The session's place is no longer one it could go to."""
        self._holds.pop(key, None)

    def __len__(self) -> int:
        return len(self._holds)


def session_name(session: str) -> str:
    """A session's name as it is remembered: by its hash if it is long, since thousands are."""
    if len(session) <= LONGEST_SESSION:
        return session
    return blake2b(session.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def session_key(session: str, model: str) -> str:
    """The key of a session's requests for one model; `""` for a request without a session.

    An agent asks for a large and a small model in one session: each keeps its own place.
    """
    return f"{session}\0{model}" if session else ""
