"""Write the first config file from the keys that are there, and say what it enables and why.

Nothing is enabled that the file does not say, and the file says it in words: each provider stands in it with the reason
for its mode and the command that changes it. Lines that begin with `# ` are prose, those with `#` alone are settings to
uncomment. Which local servers answer is found out by the caller.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxyctl.config.files import PRIVATE, locked, replace_file
from proxyctl.config.kinds import OPENAI_COMPATIBLE, KindFacts, Kinds, Mode, default_primary
from proxyctl.config.layout import dotted, quoted
from proxyctl.config.load import parse
from proxyctl.config.model import ProviderSettings, RoutingSettings, ServerSettings, StoreSettings
from proxyctl.config.secrets import KeySources, missing_reason, resolve


@dataclass(frozen=True, slots=True)
class FirstProvider:
    """One provider of the first file. `reason` says why it has its mode, `hint` (or `""`) what would change that.

    `active` is whether requests can reach it now; the primary is written even when its key is still missing.
    """

    name: str
    label: str
    mode: Mode
    active: bool
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class FirstStart:
    """The file that was written, and its providers in file order."""

    path: Path
    text: str
    providers: tuple[FirstProvider, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    provider: FirstProvider
    kind: KindFacts | None
    base_url: str | None


def write_first(path: Path, kinds: Kinds, sources: KeySources, local: Sequence[tuple[str, str]] = ()) -> FirstStart:
    """Write the first config to `path` and return what it enables.

    `local` are servers that answered on this machine, as name and base URL. Raises `FileExistsError` when a config
    stands there already, and `ConfigError` when a server's name or address cannot be written down.
    """
    entries = [*_hosted(kinds, sources, {name for name, _ in local}), *_local(kinds, local)]
    text = _text(kinds, entries)
    parse(text, kinds, path=path)
    with locked(path):
        if path.exists():
            raise FileExistsError(f"{path} exists already")
        replace_file(path, text.encode(), mode=PRIVATE)
    return FirstStart(path, text, tuple(entry.provider for entry in entries))


def _hosted(kinds: Kinds, sources: KeySources, taken: set[str]) -> Iterator[_Entry]:
    """The primary, then the kinds with an address of their own, in the order of the caller."""
    for kind in sorted(kinds.values(), key=lambda one: not one.primary):
        if kind.base_url is None or kind.name in taken:
            continue
        probe = ProviderSettings(name=kind.name, kind=kind.name, mode="off")
        found = resolve(probe, kinds, sources)
        missing = missing_reason(probe, kinds, sources)
        switch = f"proxyctl providers set {kind.name} fallback"
        if kind.primary:
            mode: Mode = "pooled"
            reason = "the primary provider" + (f", key in {found[0].label} ({found[0].source})" if found else "")
            hint = f"inactive, {missing}" if missing else ""
        elif found:
            mode, hint = "fallback", ""
            reason = f"key in {found[0].label} ({found[0].source})"
        else:
            mode = "off"
            reason = missing or "needs no key"
            hint = f"`{switch}` enables it"
        active = bool(found) or (kind.primary and not missing)
        yield _Entry(FirstProvider(kind.name, kind.label, mode, active, reason, hint), kind, None)


def _local(kinds: Kinds, local: Sequence[tuple[str, str]]) -> Iterator[_Entry]:
    for name, base_url in local:
        kind = kinds.get(name)
        label = kind.label if kind else name
        hint = f"`proxyctl providers set {name} fallback` enables it"
        yield _Entry(FirstProvider(name, label, "off", False, f"answers at {base_url}", hint), kind, base_url)


def _text(kinds: Kinds, entries: Sequence[_Entry]) -> str:
    primary = default_primary(kinds) or (entries[0].provider.name if entries else "")
    blocks = [_HEAD, _server(), _routing(primary), _MODES, *map(_provider, entries), _OWN_SERVER]
    blocks += [_aliases([entry.provider.name for entry in entries]), _store()]
    return "\n".join(blocks)


def _provider(entry: _Entry) -> str:
    provider = entry.provider
    lines = [_prose(f"{provider.label}: {provider.reason}.")]
    if provider.hint:
        lines.append(_prose(f"{provider.hint[0].upper()}{provider.hint[1:]}."))
    lines += [f"[{dotted(('providers', provider.name))}]", f'mode = "{provider.mode}"']
    if entry.base_url is not None:
        if entry.kind is None:
            lines.append(f'kind = "{OPENAI_COMPATIBLE}"')
        lines += [f"base_url = {quoted(entry.base_url)}", "keyless = true"]
    elif entry.kind and entry.kind.key_env:
        lines.append(f'#key = "${entry.kind.key_env[0]}"')
    return "\n".join([*lines, ""])


def _prose(text: str) -> str:
    """One comment line, whatever a server may have called itself."""
    return f"# {' '.join(text.split())}"


def _server() -> str:
    default = ServerSettings()
    return f"""\
[server]
# Only programs on this machine can connect. Any other host is refused until `keys` names a gateway key.
host = "{default.host}"
port = {default.port}
#keys = ["$PROXYCTL_KEY"]
# Web pages that may call the daemon, by origin.
#allowed_origins = ["http://localhost:3000"]
#max_body_mib = {default.max_body_mib}
#drain_seconds = {default.drain_seconds:g}
#log_level = "{default.log_level}"
"""


def _routing(primary: str) -> str:
    default = RoutingSettings(primary=primary)
    return f"""\
[routing]
# The provider that takes part by default, and that known models of others fall to when nobody else serves them.
primary = "{primary}"
# Whether a model of the same tier may stand in for one that cannot be served. It is always announced.
#substitute = {str(default.substitute).lower()}
# Whether `provider:model`, or an exclusive provider, may fall back to others when it fails.
#prefix_fallback = {str(default.prefix_fallback).lower()}
#exclusive_escape = {str(default.exclusive_escape).lower()}
# How long a conversation stays with the provider that began it; 0 is never.
#affinity_minutes = {default.affinity_minutes:g}
# The limits of one request, all its retries and fallbacks included.
#max_attempts = {default.max_attempts}
#max_deployments = {default.max_deployments}
#deadline_seconds = {default.deadline_seconds:g}
"""


def _store() -> str:
    return f"""\
[store]
# Request records kept for each provider.
#records_kept = {StoreSettings().records_kept}
"""


def _aliases(names: Sequence[str]) -> str:
    first = names[0] if names else "my-server"
    second = names[1] if len(names) > 1 else first
    tiers = "\n".join(f'#{dotted((name,))} = "its-large-model"' for name in dict.fromkeys([first, second]))
    return f"""\
# Names of your own for models: tried in this order. A name may be a pattern, and {{model}} is the requested name.
[aliases]
#fast = ["{second}:some-model", "{first}:some-model"]
#"gpt-*" = ["{first}:{{model}}"]

# Which model of each provider stands in for one of the same size: large, medium or small.
#[tiers.large]
{tiers}
"""


_HEAD = """\
# The configuration of proxyctl, written at its first start from the keys that it found.
# After a change: `proxyctl config validate`, then `proxyctl reload`. A file with mistakes never replaces a good one.
# Keys do not stand here: name an environment variable ("$NAME", also from .env), or use `proxyctl providers key NAME`.
"""

_MODES = """\
# Providers. Without `key`, the usual variable is looked up, then `.env`, then the secrets file. The modes:
#   off        never called
#   pooled     shares the first choice with the other pooled providers, by `weight`
#   fallback   called when no first choice can serve, in the order of `priority`
#   exclusive  takes everything; at most one provider
# A name such as `provider:model` reaches a provider outright, whatever its mode but `off`.
"""

_OWN_SERVER = """\
# Any other server with OpenAI's interface:
#[providers.my-server]
#mode = "fallback"
#base_url = "http://127.0.0.1:8000/v1"
#keyless = true
"""
