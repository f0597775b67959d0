"""What is out of use for a while, why, and until when.

Four things can be out: a credential that its provider refused (until the config changes, a reset, or a success), a
model that a provider says it does not have (10 minutes), a deployment that is told to wait (a cooldown, until an
absolute time), and one that keeps failing (the circuit breaker of `routing.breaker`, which is asked and told here).
Every wait ends: each is capped, and a clock that jumps cannot prolong it.

Nothing is benched for good: what is out may be given one trial every `TRIAL_SPACING` seconds when nothing else is left,
so that a provider that recovers early, or a key that was topped up, is noticed.

Surviving a restart belongs to the store, through `entries`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from proxyctl.routing.breaker import Breaker, Key, Trial, Wait
from proxyctl.routing.deployment import Deployment

TRIAL_SPACING = 30.0
"""Seconds between trials of something that is out of use while nothing else is left."""
MISSING_SECONDS = 600.0
COOLDOWN_CAP = 600.0
"""The longest cooldown: a daily quota is asked again after ten minutes."""
COOLDOWN_FIRST = 5.0
COOLDOWN_LAST = 60.0
"""Where a provider names no time, cooldowns double from the first to the last of these."""

_STRIKES_FORGOTTEN = 300.0
_MAX_ENTRIES = 4096
_LONGEST_REASON = 200
"""Characters of a provider's error text that are kept."""
_ANY_MODEL = ""
_ANY_CREDENTIAL = -1


class Cooldown(Struct, frozen=True, kw_only=True, tag=True):
    """Wait before asking this deployment again: `retry_after` seconds when the provider said so.

    `retryable` is false for a spent quota: without a time of its own, it waits for the longest cooldown.
    """

    reason: str
    retry_after: float | None = None
    retryable: bool = True


class CredentialRefused(Struct, frozen=True, tag=True):
    """The provider does not accept this credential, or does not serve it for want of money."""

    reason: str


class ModelMissing(Struct, frozen=True, tag=True):
    """The provider says that it has no such model."""

    reason: str


Consequence = Cooldown | CredentialRefused | ModelMissing


class Out(Struct, frozen=True, kw_only=True):
    """One thing out of use. Times are Unix seconds; `until` is `None` for what only a change or a success ends.

    `credential` is `None` when the thing is out with every key; `tried_at` is when the last trial was taken.
    """

    kind: Literal["cooling", "credential", "failing", "missing"]
    provider: str
    model: str
    credential: int | None
    reason: str
    since: float
    until: float | None
    tried_at: float = 0.0

    @property
    def trial_at(self) -> float:
        """When the next trial is due."""
        return max(self.since, self.tried_at) + TRIAL_SPACING

    @property
    def recovery(self) -> float:
        """When it may be asked again, at the soonest."""
        return self.trial_at if self.until is None else min(self.until, self.trial_at)

    def describe(self, now: float, label: str = "") -> str:
        """What is out, for how long and why; `label` names the credential where there are several."""
        left = _duration((self.until or now) - now)
        if self.kind == "missing":
            return f"said that it does not have {self.model} (asked again in {left})"
        if self.kind == "credential":
            return f"its key{f' {label!r}' if label else ''} was refused: {self.reason}"
        model = f"{self.model}{f' with the key {label!r}' if label else ''}"
        if self.kind == "failing":
            return f"{model} is failing (tried again in {left}): {self.reason}"
        return f"{model} is cooling for {left}: {self.reason}"


class Availability:
    """The one place that knows what is out of use. `now` is always Unix seconds."""

    def __init__(self) -> None:
        self._outs: dict[Key, Out] = {}
        self._strikes: dict[Key, tuple[int, float]] = {}
        self._breaker = Breaker()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is out of use, or on trial."""
        return not self._outs and not self._breaker.opened

    def find(self, provider: str, model: str, credential: int, now: float) -> Out | None:
        """What keeps this deployment out of use now, `None` when nothing does."""
        if self._outs:
            for key in (
                (provider, model, _ANY_CREDENTIAL),
                (provider, _ANY_MODEL, credential),
                (provider, model, credential),
            ):
                out = self._outs.get(key)
                if out is not None:
                    if not _is_over(out, now):
                        return out
                    del self._outs[key]
        if self._breaker.opened:
            wait = self._breaker.find((provider, model, credential), now)
            return None if wait is None else _failing((provider, model, credential), wait)
        return None

    def enter(self, deployment: Deployment, now: float) -> Trial | Out | None:
        """Ask for leave right before an attempt: an `Out` says that the breaker gives none.

        It may have opened since the plan was made, or another request may be trying. `None` is leave, and so is a
        trial: it must be given back by `leave`, and handed to `succeeded` or `failed` where one of these is told.
        """
        if not self._breaker.opened:
            return None
        key = _key(deployment)
        entered = self._breaker.enter(key, now)
        return _failing(key, entered) if isinstance(entered, Wait) else entered

    def leave(self, trial: Trial) -> None:
        """The trial is over, whether or not it showed anything."""
        self._breaker.leave(trial)

    def answering(self, trial: Trial, now: float) -> None:
        """The trial's answer has begun."""
        self._breaker.answering(trial, now)

    def apply(self, consequence: Consequence, deployment: Deployment, now: float) -> Out:
        """Take out of use what a failure says must be."""
        match consequence:
            case Cooldown():
                return self._cool(consequence, deployment, now)
            case CredentialRefused(reason):
                return self._put("credential", deployment, reason, now, None)
            case ModelMissing(reason):
                return self._put("missing", deployment, reason, now, now + MISSING_SECONDS)

    def failed(self, deployment: Deployment, reason: str, now: float, trial: Trial | None = None) -> None:
        """The deployment is at fault for a failed attempt: what `Judgement.trips` says."""
        self._breaker.failed(_key(deployment), reason[:_LONGEST_REASON], now, trial)

    def succeeded(self, deployment: Deployment, now: float, trial: Trial | None = None) -> None:
        """An answer proves that key, model and deployment are fine."""
        self._breaker.succeeded(_key(deployment), now, trial)
        if not self._outs and not self._strikes:
            return
        for key in _keys(deployment).values():
            self._outs.pop(key, None)
            self._strikes.pop(key, None)

    def take_trial(self, out: Out, now: float) -> bool:
        """Take the trial that is due, so that the next one waits for its own time; false when none is due."""
        if now < out.trial_at:
            return False
        if out.kind == "failing":
            self._breaker.hasten((out.provider, out.model, out.credential or 0), now)
            return True
        key = (
            out.provider,
            _ANY_MODEL if out.kind == "credential" else out.model,
            _ANY_CREDENTIAL if out.credential is None else out.credential,
        )
        if key in self._outs:
            self._outs[key] = replace(self._outs[key], tried_at=now)
        return True

    def reset(self, provider: str) -> int:
        """Forget everything about one provider; the number of things that were out of use."""
        failing = [key for key in self._breaker.opened if key[0] == provider]
        self._breaker.forget(lambda key: key[0] == provider)
        return len(failing) + self._forget(lambda out: out.provider == provider, provider)

    def config_changed(self, providers: Iterable[str]) -> None:
        """Believe the credentials of these providers again: their settings or keys are new."""
        changed = frozenset(providers)
        self._forget(lambda out: out.kind == "credential" and out.provider in changed)

    def entries(self, provider: str, now: float) -> tuple[Out, ...]:
        """What is out of use at one provider, what comes back first standing first."""
        outs = [out for out in self._outs.values() if out.provider == provider and not _is_over(out, now)]
        outs += (_failing(key, wait) for key, wait in self._breaker.entries(provider, now))
        return tuple(sorted(outs, key=lambda out: math.inf if out.until is None else out.until))

    def _cool(self, cooldown: Cooldown, deployment: Deployment, now: float) -> Out:
        key = _key(deployment)
        strikes, last = self._strikes.get(key, (0, now))
        if now - last > _STRIKES_FORGOTTEN:
            strikes = 0
        self._strikes[key] = (strikes + 1, now)
        seconds = cooldown.retry_after
        if seconds is None:
            doubled = min(COOLDOWN_LAST, COOLDOWN_FIRST * 2 ** min(strikes, 10))
            seconds = doubled if cooldown.retryable else COOLDOWN_CAP
        return self._put("cooling", deployment, cooldown.reason, now, now + min(max(seconds, 0.0), COOLDOWN_CAP))

    def _put(
        self,
        kind: Literal["cooling", "credential", "missing"],
        deployment: Deployment,
        reason: str,
        now: float,
        until: float | None,
    ) -> Out:
        out = Out(
            kind=kind,
            provider=deployment.provider,
            model=deployment.model,
            credential=None if kind == "missing" else deployment.credential,
            reason=reason,
            since=now,
            until=until,
        )
        self._outs[_keys(deployment)[kind]] = out
        if len(self._outs) > _MAX_ENTRIES:
            self._shrink(now)
        return out

    def _shrink(self, now: float) -> None:
        """Callers invent model names: keep refused credentials, and of what else is still out the newest half."""
        alive = [(key, out) for key, out in self._outs.items() if not _is_over(out, now)]
        alive.sort(key=lambda pair: (pair[1].kind == "credential", pair[1].since))
        self._outs = dict(alive[-_MAX_ENTRIES // 2 :])
        self._strikes = {key: strike for key, strike in self._strikes.items() if key in self._outs}

    def _forget(self, belongs: Callable[[Out], bool], provider: str | None = None) -> int:
        gone = [key for key, out in self._outs.items() if belongs(out)]
        for key in gone:
            del self._outs[key]
        if provider is not None:
            self._strikes = {key: strike for key, strike in self._strikes.items() if key[0] != provider}
        return len(gone)


def _key(deployment: Deployment) -> Key:
    return deployment.provider, deployment.model, deployment.credential


def _failing(key: Key, wait: Wait) -> Out:
    provider, model, credential = key
    return Out(
        kind="failing",
        provider=provider,
        model=model,
        credential=credential,
        reason=wait.reason,
        since=wait.since,
        until=wait.until,
    )


def _keys(deployment: Deployment) -> dict[str, Key]:
    provider, model, credential = deployment.provider, deployment.model, deployment.credential
    return {
        "missing": (provider, model, _ANY_CREDENTIAL),
        "credential": (provider, _ANY_MODEL, credential),
        "cooling": (provider, model, credential),
    }


def _is_over(out: Out, now: float) -> bool:
    """Whether the wait has passed, or the clock went back behind its beginning (then nobody knows, so ask)."""
    if now < out.since - 1:
        return True
    return out.until is not None and now >= out.until


def _duration(seconds: float) -> str:
    whole = max(0, math.ceil(seconds))
    return f"{whole} s" if whole < 120 else f"{math.ceil(whole / 60)} min"
