"""Edit a config file for `proxyctl providers set` and its like, so that the owner still recognises it.

One edit is: lock, read, change the text (`rewrite`), validate the new text whole, replace the file. When the new text
is not valid the old file stands untouched, so an edit can neither break a config nor half do it: `EditError` blames the
edit, `ConfigError` the file as it was. Beside them each may raise `OSError` (a full disk, a folder without write
permission, `FileBusyError`). Running daemons notice nothing until they are told to reload.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from proxyctl.config.crosscheck import table
from proxyctl.config.files import locked, replace_file
from proxyctl.config.kinds import MODES, TIERS, Kinds, Mode, Tier, default_primary
from proxyctl.config.load import parse, parse_toml, read_text
from proxyctl.config.problems import ConfigError, ConfigProblem, EditError, did_you_mean
from proxyctl.config.rewrite import Change, Drop, LayoutError, Put, TomlValue, rewrite

T = TypeVar("T")
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Demotion:
    """A provider that had to give up being exclusive, and the mode it got."""

    name: str
    after: Mode


@dataclass(frozen=True, slots=True)
class ModeChange:
    """What `set_mode` did. `before` is `None` when the provider was not in the file until now."""

    name: str
    before: Mode | None
    after: Mode
    demoted: tuple[Demotion, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """What `remove_provider` took out: the provider, and its models from these tiers."""

    name: str
    tiers: tuple[Tier, ...]


class _RefusedError(Exception):
    """An edit that makes no sense for this file; becomes an `EditError`."""

    def __init__(self, key_path: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.problem = ConfigProblem(0, None, key_path, message, hint)


def set_mode(path: Path, kinds: Kinds, name: str, mode: Mode) -> ModeChange:
    """Give a provider a mode; one of a known kind that the file does not have is added.

    An exclusive provider that has to make room goes back to the mode it had before, else to `fallback`. Raises
    `ConfigError`.
    """

    def plan(raw: Raw) -> tuple[list[Change], ModeChange]:
        provider = table(raw, "providers").get(name)
        if provider is None and name not in kinds:
            raise _RefusedError("providers", f"there is no provider {name!r}", _known(name, raw, kinds))
        before = _mode_of(raw, name, kinds)
        demoted = _demotions(raw, name) if mode == "exclusive" else ()
        changes: list[Change] = []
        for one in demoted:
            changes += [Put(("providers", one.name, "mode"), one.after), Drop(("providers", one.name, "previous_mode"))]
        changes.append(Put(("providers", name, "mode"), mode))
        if mode != "exclusive":
            changes.append(Drop(("providers", name, "previous_mode")))
        elif before not in {None, "exclusive"}:
            changes.append(Put(("providers", name, "previous_mode"), str(before)))
        return changes, ModeChange(name, before, mode, demoted)

    return _edit(path, kinds, plan)


def add_provider(path: Path, kinds: Kinds, name: str, values: Mapping[str, TomlValue]) -> None:
    """Write a new `[providers.NAME]` with these keys after the other providers. Raises `ConfigError`."""

    def plan(raw: Raw) -> tuple[list[Change], None]:
        if name in table(raw, "providers"):
            hint = f"change it with `proxyctl providers set {name} MODE`"
            raise _RefusedError(f"providers.{name}", "there is such a provider already", hint)
        return [Put(("providers", name), values)], None

    _edit(path, kinds, plan)


def remove_provider(path: Path, kinds: Kinds, name: str) -> Removal:
    """Take a provider out, with the tier entries that only make sense with it.

    Raises `EditError` also when an alias still points to it or it is the primary: those are the owner's to change.
    """

    def plan(raw: Raw) -> tuple[list[Change], Removal]:
        if name not in table(raw, "providers"):
            raise _RefusedError("providers", f"there is no provider {name!r}", _known(name, raw, {}))
        if name == table(raw, "routing").get("primary", default_primary(kinds)):
            hint = f"name another with `proxyctl config edit`, or turn it off: `proxyctl providers set {name} off`"
            raise _RefusedError("", f"{name} is the primary provider, which cannot be removed", hint)
        tiers = tuple(tier for tier in TIERS if name in table(table(raw, "tiers"), tier))
        changes: list[Change] = [Drop(("tiers", tier, name)) for tier in tiers]
        return [*changes, Drop(("providers", name))], Removal(name, tiers)

    return _edit(path, kinds, plan)


def set_value(path: Path, kinds: Kinds, key: str, value: TomlValue) -> None:
    """Set one dotted key, such as `routing.primary` or `aliases."claude-*"`. Raises `ConfigError`."""
    keys = _keys(path, key)
    _edit(path, kinds, lambda _: ([Put(keys, value)], None))


def unset_value(path: Path, kinds: Kinds, key: str) -> bool:
    """Take out one dotted key, so that its default holds; return whether it was there. Raises `ConfigError`."""
    keys = _keys(path, key)
    return _edit(path, kinds, lambda raw: ([Drop(keys)], _has(raw, keys)))


def set_alias(path: Path, kinds: Kinds, alias: str, targets: Sequence[str]) -> None:
    """Make `alias` stand for these `provider:model` targets, in order. Raises `ConfigError`.

    One that stands as a table stays one, with whatever else it says.
    """

    def plan(raw: Raw) -> tuple[list[Change], None]:
        is_table = isinstance(table(raw, "aliases").get(alias), Mapping)
        keys = ("aliases", alias, "targets") if is_table else ("aliases", alias)
        return [Put(keys, list(targets))], None

    _edit(path, kinds, plan)


def remove_alias(path: Path, kinds: Kinds, alias: str) -> bool:
    """Forget an alias; return whether there was one. Raises `ConfigError`."""
    keys = ("aliases", alias)
    return _edit(path, kinds, lambda raw: ([Drop(keys)], _has(raw, keys)))


def value_from(text: str) -> TomlValue:
    """What somebody means who types a value on a command line: TOML if it is, else the text itself."""
    try:
        values = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value: TomlValue = values["value"]
    return value if len(values) == 1 else text


def _edit(path: Path, kinds: Kinds, plan: Callable[[Raw], tuple[list[Change], T]]) -> T:
    """Make the changes that `plan` wants for the file as it is now, under its lock."""
    if not path.exists():
        read_text(path)
    with locked(path):
        text = read_text(path)
        raw = parse_toml(text, path)
        try:
            changes, result = plan(raw)
            changed = rewrite(text, changes)
            data = changed.encode()
        except _RefusedError as refused:
            raise EditError(path, (refused.problem,)) from None
        except LayoutError as exc:
            problem = ConfigProblem(0, None, "", f"this edit cannot be made safely: {exc}", "`proxyctl config edit`")
            raise EditError(path, (problem,)) from exc
        except UnicodeEncodeError:
            raise EditError(path, (ConfigProblem(0, None, "", "the new value is not UTF-8 text"),)) from None
        try:
            parse(changed, kinds, path=path)
        except ConfigError as exc:
            parse(text, kinds, path=path)  # the file was broken before: that is what has to be said
            raise EditError(path, exc.problems) from None
        if changed != text:
            replace_file(path, data)
    return result


def _keys(path: Path, key: str) -> tuple[str, ...]:
    """The parts of a dotted key as TOML reads them."""
    try:
        plain: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        plain = {}
    keys: list[str] = []
    while isinstance(plain, dict) and len(plain) == 1:
        ((one, plain),) = plain.items()
        keys.append(one)
    if plain != 0 or not keys:
        problem = ConfigProblem(0, None, "", f"{key!r} is not a dotted key", 'for example aliases."claude-*"')
        raise EditError(path, (problem,))
    return tuple(keys)


def _has(raw: Raw, keys: tuple[str, ...]) -> bool:
    *parents, last = keys
    for key in parents:
        raw = table(raw, key)
    return last in raw


def _mode_of(raw: Raw, name: str, kinds: Kinds) -> Mode | None:
    """The mode that the file gives a provider, by default too; `None` when it has no such provider."""
    provider = table(raw, "providers").get(name)
    if not isinstance(provider, Mapping):
        return None
    is_primary = name == table(raw, "routing").get("primary", default_primary(kinds))
    said = provider.get("mode", "pooled" if is_primary else "off")
    return next((mode for mode in MODES if mode == said), None)


def _demotions(raw: Raw, name: str) -> tuple[Demotion, ...]:
    found = []
    for other, provider in table(raw, "providers").items():
        if other != name and isinstance(provider, Mapping) and provider.get("mode") == "exclusive":
            had: tuple[Mode, ...] = ("off", "pooled", "fallback")
            said = provider.get("previous_mode")
            found.append(Demotion(other, next((mode for mode in had if mode == said), "fallback")))
    return tuple(found)


def _known(name: str, raw: Raw, kinds: Kinds) -> str:
    known = tuple(dict.fromkeys([*table(raw, "providers"), *kinds]))
    return did_you_mean(name, known) or f"the providers are {', '.join(known) or 'none'}"
