"""What must hold between sections: who is primary, who is exclusive, where aliases and tiers point.

Each check looks at the raw file, so that a mistake in one place does not hide the mistakes in another, and tells what
it finds as a `Finding`: a key's path and the words. `load` adds the line. Where the values check the same rule again,
for whoever builds them by hand, both say it in the same words, and it is reported once.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from proxyctl.config.checks import check_keyless, check_no_credential, check_reach
from proxyctl.config.kinds import OPENAI_COMPATIBLE, TIERS, Kinds, default_primary
from proxyctl.config.problems import Refusal, did_you_mean

Raw = Mapping[str, Any]
_BRACES = re.compile(r"\{[^{}]*\}|[{}]")


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem before it has a line."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""


def crosscheck(raw: Raw, kinds: Kinds) -> Iterator[Finding]:
    """Every finding of a file whose sections may each be wrong in their own ways as well."""
    yield from _server(table(raw, "server"))
    providers = table(raw, "providers")
    for name, provider in providers.items():
        if isinstance(provider, Mapping):
            yield from _kind(name, provider, kinds)
            yield from _which_server(name, provider, kinds)
            yield from _credentials(name, provider)
    yield from _exclusives(providers)
    yield from _primary(raw, providers, kinds)
    yield from _aliases(table(raw, "aliases"), providers)
    yield from _tiers(table(raw, "tiers"), providers)


def table(raw: Raw, name: str) -> Raw:
    """A section, empty when it is missing or no table (which validation reports)."""
    section = raw.get(name)
    return section if isinstance(section, Mapping) else {}


def kind_of(name: str, provider: Raw, kinds: Kinds) -> str:
    """The kind that a provider says, else the one of its name, else the one that config alone describes."""
    said = provider.get("kind")
    if isinstance(said, str):
        return said
    return name if name in kinds else OPENAI_COMPATIBLE


def _server(server: Raw) -> Iterator[Finding]:
    host = server.get("host")
    if isinstance(host, str) and host:
        yield from _refused(("server",), partial(check_reach, host, has_keys=_has_keys(server)))


def _credentials(name: str, provider: Raw) -> Iterator[Finding]:
    path = ("providers", name)
    is_keyless = provider.get("keyless") is True
    yield from _refused(path, partial(check_keyless, keyless=is_keyless, has_keys=_has_keys(provider)))
    for header, value in table(provider, "headers").items():
        yield from _refused(path, partial(check_no_credential, header, value))


def _has_keys(section: Raw) -> bool:
    return "key" in section or bool(section.get("keys"))


def _refused(path: tuple[str, ...], check: Callable[[], None]) -> Iterator[Finding]:
    try:
        check()
    except Refusal as refusal:
        yield finding(refusal, path)


def finding(refusal: Refusal, path: tuple[str | int, ...]) -> Finding:
    """What a check refused in the section at `path`, placed at the key that the refusal names."""
    key = tuple(refusal.key.split(".", 1)) if refusal.key else ()
    return Finding((*path, *key), refusal.message, refusal.hint)


def _kind(name: str, provider: Raw, kinds: Kinds) -> Iterator[Finding]:
    kind = kind_of(name, provider, kinds)
    known = tuple(kinds)
    if "kind" in provider and kind not in {*known, OPENAI_COMPATIBLE}:
        hint = did_you_mean(kind, known) or f"the kinds are {', '.join(known)}"
        yield Finding(("providers", name, "kind"), f"there is no kind {kind!r}", hint)
        return
    has_address = kind in kinds and kinds[kind].base_url is not None
    if has_address or "base_url" in provider:
        return
    hint = 'add base_url = "http://…/v1"'
    if "kind" not in provider:
        hint = did_you_mean(name, known) or hint
    yield Finding(("providers", name), f"a provider of kind {kind} needs a base_url", hint)


def _which_server(name: str, provider: Raw, kinds: Kinds) -> Iterator[Finding]:
    server = provider.get("server")
    kind = kind_of(name, provider, kinds)
    if not isinstance(server, str) or kind not in kinds:
        return
    known = kinds[kind].servers
    if not known:
        yield Finding(("providers", name, "server"), f"a provider of kind {kind} is no server of a known make")
    elif server not in known:
        hint = did_you_mean(server, known) or f"the servers are {', '.join(known)}"
        yield Finding(("providers", name, "server"), f"there is no server {server!r}", hint)


def _exclusives(providers: Raw) -> Iterator[Finding]:
    exclusive = [name for name, one in providers.items() if isinstance(one, Mapping) and one.get("mode") == "exclusive"]
    for name in exclusive[1:]:
        yield Finding(
            ("providers", name, "mode"),
            f"only one provider can be exclusive, and {exclusive[0]} is",
            f"`proxyctl providers set {name} exclusive` demotes the other",
        )


def _primary(raw: Raw, providers: Raw, kinds: Kinds) -> Iterator[Finding]:
    if not providers:
        return
    primary = table(raw, "routing").get("primary", default_primary(kinds))
    if not isinstance(primary, str) or primary in providers:
        return
    hint = did_you_mean(primary, tuple(providers))
    if "primary" not in table(raw, "routing"):
        hint = f'add [providers.{primary}], or primary = "{next(iter(providers))}" to [routing]'
    yield Finding(("routing", "primary"), f"the primary provider {primary!r} is not configured", hint)


def _aliases(aliases: Raw, providers: Raw) -> Iterator[Finding]:
    for alias, given in aliases.items():
        path = ("aliases", alias)
        prefix = alias.partition(":")[0]
        if not alias or alias != alias.strip():
            yield Finding(path, "an alias is not empty and has no spaces around it")
        elif ":" in alias and prefix in providers:
            hint = "the prefix names the provider outright, before any alias"
            yield Finding(path, f"an alias that begins with `{prefix}:` is never used", hint)
        if isinstance(given, Mapping):
            yield from _targets((*path, "targets"), given.get("targets", []), providers)
        else:
            yield from _targets(path, given, providers)


def _targets(path: tuple[str | int, ...], given: object, providers: Raw) -> Iterator[Finding]:
    """Check a list of targets, or one that stands without brackets; what is neither, validation reports."""
    if isinstance(given, str):
        yield from _target(path, given, providers)
    if not isinstance(given, list):
        return
    if not given:
        yield Finding(path, "an alias needs at least one target", 'for example ["provider:model"]')
    for index, target in enumerate(given):
        if isinstance(target, str):
            yield from _target((*path, index), target, providers)


def _target(path: tuple[str | int, ...], target: str, providers: Raw) -> Iterator[Finding]:
    provider, colon, model = target.partition(":")
    if not colon or not provider or not model.strip():
        yield Finding(path, f"{target!r} is not of the form provider:model", _target_hint(provider, providers))
        return
    if provider not in providers:
        hint = did_you_mean(provider, tuple(providers)) or f"the providers are {', '.join(providers) or 'none'}"
        yield Finding(path, f"there is no provider {provider!r}", hint)
    if any(brace != "{model}" for brace in _BRACES.findall(model)):
        yield Finding(path, f"{model!r} holds braces", "only {model} is replaced, by the requested name")


def _target_hint(provider: str, providers: Raw) -> str:
    return f"write `{provider}:{{model}}` to keep the requested name" if provider in providers else ""


def _tiers(tiers: Raw, providers: Raw) -> Iterator[Finding]:
    for tier, models in tiers.items():
        if tier not in TIERS or not isinstance(models, Mapping):
            continue
        for name in models:
            if name not in providers:
                hint = did_you_mean(name, tuple(providers)) or f"the providers are {', '.join(providers) or 'none'}"
                yield Finding(("tiers", tier, name), f"there is no provider {name!r}", hint)
