"""Look up the keys that the config refers to, and keep them out of every text.

A key comes from the environment, else from `.env` in the working folder, else from the secrets file (mode 0600) that
`proxyctl providers key NAME` writes. It lives in a `Secret`, which shows itself to nobody; `reveal()` is called where
a request is built and nowhere else. A missing key is no error: its provider is inactive, and `missing_reason` says why.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from proxyctl.config.paths import Paths
from proxyctl.config.references import entry_in, variable_in
from proxyctl.config.secret import Secret, redact
from proxyctl.config.vault import SecretsFileError, read_entries, remove_entry, write_entry

if TYPE_CHECKING:
    # pydantic is too slow to import for a command that only asks whether a key is there.
    from proxyctl.config.kinds import Kinds
    from proxyctl.config.model import ProviderSettings, ServerSettings

__all__ = [
    "Credential",
    "KeySources",
    "Secret",
    "SecretsFileError",
    "gateway_keys",
    "known_secrets",
    "missing_reason",
    "read_entries",
    "redact",
    "remove_entry",
    "resolve",
    "resolve_headers",
    "unresolved",
    "write_entry",
]

ENVIRONMENT = "environment"
DOTENV = ".env"
SECRETS_FILE = "secrets file"

_KEY = re.compile(r"[\x21-\x7e]+")
_HEADER = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Credential:
    """One key. `label` is how people know it (`$SOME_API_KEY`, `secrets file`, `secret:work`), `source` where it is."""

    label: str
    secret: Secret
    source: str


@dataclass(frozen=True, slots=True)
class _Missing:
    """A place where no usable key is. `is_there` when something stands there that cannot be one."""

    reason: str
    is_there: bool = False


@dataclass(frozen=True, slots=True)
class KeySources:
    """Everything that a key may come from, as it was at one moment. `notes` say what could not be read."""

    environ: Mapping[str, str] = field(repr=False)
    dotenv: Mapping[str, str] = field(default_factory=dict, repr=False)
    entries: Mapping[str, Secret] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, paths: Paths, environ: Mapping[str, str], folder: Path) -> Self:
        """The sources for a daemon or command that works in `folder`. Raises `SecretsFileError`.

        A broken `.env` belongs to whatever project lies in that folder: it is noted and otherwise ignored.
        """
        entries = read_entries(paths.secrets_file)
        try:
            dotenv = _read_dotenv(folder / ".env")
        except (OSError, UnicodeDecodeError):
            return cls(dict(environ), {}, entries, (f"{folder / '.env'} cannot be read and is ignored",))
        return cls(dict(environ), dotenv, entries)


def resolve(provider: "ProviderSettings", kinds: "Kinds", sources: KeySources) -> tuple[Credential, ...]:
    """The keys that a provider can use, in the order of the file, each key once."""
    return _each_once(found for found in _lookups(provider, kinds, sources) if isinstance(found, Credential))


def unresolved(provider: "ProviderSettings", kinds: "Kinds", sources: KeySources) -> tuple[str, ...]:
    """What was looked for and not found, a sentence each: keys and header values. Others may have been found."""
    missing = [found.reason for found in _lookups(provider, kinds, sources) if isinstance(found, _Missing)]
    return (*missing, *_missing_headers(provider, sources))


def missing_reason(provider: "ProviderSettings", kinds: "Kinds", sources: KeySources) -> str | None:
    """Why a provider is inactive: no usable key, or a header without its value. `None` when it can be called."""
    if headers := _missing_headers(provider, sources):
        return "; ".join(headers)
    kind = kinds.get(provider.kind)
    needs_key = bool(provider.keys) or (kind is not None and kind.needs_key and not provider.keyless)
    if not needs_key or resolve(provider, kinds, sources):
        return None
    return "; ".join(unresolved(provider, kinds, sources))


def resolve_headers(provider: "ProviderSettings", sources: KeySources) -> Mapping[str, Secret]:
    """The extra headers of a provider's requests. One whose variable is not set is left out; see `missing_reason`."""
    headers = {}
    for name, value in provider.headers.items():
        if not value.startswith("$"):
            headers[name] = Secret(value)
        elif isinstance(found := _look_up(value, sources, _HEADER), Credential):
            headers[name] = found.secret
    return headers


def gateway_keys(server: "ServerSettings", sources: KeySources) -> tuple[tuple[Credential, ...], tuple[str, ...]]:
    """The keys that open the gateway, and what is missing.

    When `server.keys` names keys and none is found, the gateway must stay shut: it was meant to be locked.
    """
    found = [_look_up(reference, sources) for reference in server.keys]
    missing = tuple(one.reason for one in found if isinstance(one, _Missing))
    return _each_once(one for one in found if isinstance(one, Credential)), missing


def known_secrets(
    server: "ServerSettings", providers: Iterable["ProviderSettings"], kinds: "Kinds", sources: KeySources
) -> tuple[Secret, ...]:
    """Every secret that could turn up in a text, for `redact`."""
    secrets = [credential.secret for credential in gateway_keys(server, sources)[0]]
    for provider in providers:
        secrets += [credential.secret for credential in resolve(provider, kinds, sources)]
        # A literal header is shown by `config show`; only what a reference hides is a secret.
        found = [_look_up(value, sources, _HEADER) for value in provider.headers.values() if value.startswith("$")]
        secrets += [one.secret for one in found if isinstance(one, Credential)]
    return tuple(dict.fromkeys([*secrets, *sources.entries.values()]))


def _lookups(provider: "ProviderSettings", kinds: "Kinds", sources: KeySources) -> Iterator[Credential | _Missing]:
    """Each place where a key may be, with what is there."""
    if provider.keyless:
        return
    stored = _stored(provider.name, "secrets file", sources)
    kind = kinds.get(provider.kind)
    usual = [_look_up(f"${name}", sources) for name in kind.key_env] if kind else []
    if provider.keys:
        found = [_look_up(reference, sources) for reference in provider.keys]
        if not any(isinstance(one, Credential) for one in found):
            # Who runs `proxyctl providers key NAME` after the file asked for a variable wants this one used.
            found = [stored] if isinstance(stored, Credential) else [*found, *_unasked(usual)]
        yield from found
        return
    # The usual variables are names for one key, not a pool: the first that is set is used.
    best = next((one for one in (*usual, stored) if isinstance(one, Credential)), None)
    if best:
        yield best
    elif kind and kind.needs_key:
        unusable = (one for one in (*usual, stored) if isinstance(one, _Missing) and one.is_there)
        yield next(unusable, _Missing(_advice(provider.name, kind.key_env)))


def _unasked(usual: Iterable[Credential | _Missing]) -> Iterator[_Missing]:
    """A kind's usual variables that are set, and not looked at because the file names others."""
    for one in usual:
        if isinstance(one, Credential):
            yield _Missing(f"{one.label} is set, but `key` in the config names another variable")


def _advice(name: str, variables: tuple[str, ...]) -> str:
    tell = f"store one with `proxyctl providers key {name}`"
    if not variables:
        return f"no key: {tell}"
    return f"no key: set {' or '.join(variables)}, or {tell}"


def _look_up(reference: str, sources: KeySources, form: re.Pattern[str] = _KEY) -> Credential | _Missing:
    entry = entry_in(reference)
    if entry is not None:
        return _stored(entry, reference, sources)
    name = variable_in(reference) or ""
    for source, values in ((ENVIRONMENT, sources.environ), (DOTENV, sources.dotenv)):
        text = values.get(name, "").strip()
        if text and not form.fullmatch(text):
            reason = f"{reference} ({source}) holds characters that no header may carry"
            return _Missing(reason, is_there=True)
        if text:
            return Credential(reference, Secret(text), source)
    return _Missing(f"{reference} is not set")


def _stored(entry: str, label: str, sources: KeySources) -> Credential | _Missing:
    if entry not in sources.entries:
        return _Missing(f"{label} is not stored: use `proxyctl providers key {entry}`")
    text = sources.entries[entry].reveal().strip()
    if not _KEY.fullmatch(text):
        return _Missing(f"the secrets file's entry {entry} holds characters that no header may carry", is_there=True)
    return Credential(label, Secret(text), SECRETS_FILE)


def _missing_headers(provider: "ProviderSettings", sources: KeySources) -> tuple[str, ...]:
    looked = {
        name: _look_up(value, sources, _HEADER) for name, value in provider.headers.items() if value.startswith("$")
    }
    return tuple(
        f"{one.reason}, which the header {name} needs" for name, one in looked.items() if isinstance(one, _Missing)
    )


def _each_once(credentials: Iterable[Credential]) -> tuple[Credential, ...]:
    """One key under two names is one key: a pool of the two would count its limits twice."""
    by_secret: dict[Secret, Credential] = {}
    for credential in credentials:
        by_secret.setdefault(credential.secret, credential)
    return tuple(by_secret.values())


def _read_dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value is not None}
