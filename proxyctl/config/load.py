"""Read a config file into `Settings`, or say everything that is wrong with it.

Read by `tomllib`, validated section by section, so that one pass finds every error; the line of each is looked up in
the text. Nothing here reads keys or the environment: a file is valid or not, wherever it is read.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from proxyctl.config.crosscheck import Finding, crosscheck, kind_of, table
from proxyctl.config.explain import finding_from
from proxyctl.config.kinds import TIERS, Kinds, default_primary
from proxyctl.config.layout import Layout, dotted, place_at
from proxyctl.config.model import (
    AliasSettings,
    Mode,
    ProviderSettings,
    RoutingSettings,
    ServerSettings,
    Settings,
    StoreSettings,
    TierModels,
)
from proxyctl.config.problems import ConfigError, ConfigProblem, did_you_mean

T = TypeVar("T")

SECTIONS = ("server", "routing", "providers", "aliases", "tiers", "store")

_SERVER = TypeAdapter(ServerSettings)
_ROUTING = TypeAdapter(RoutingSettings)
_PROVIDER = TypeAdapter(ProviderSettings)
_ALIAS = TypeAdapter(AliasSettings)
_TIER: TypeAdapter[Mapping[str, str]] = TypeAdapter(TierModels)
_STORE = TypeAdapter(StoreSettings)
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def load(path: Path, kinds: Kinds) -> Settings:
    """The settings in the file at `path`. Raises `ConfigError`, also when the file cannot be read."""
    return parse(read_text(path), kinds, path=path)


def parse(text: str, kinds: Kinds, *, path: Path) -> Settings:
    """The settings in `text`; `path` is only named in errors. Raises `ConfigError` with every problem at once."""
    raw = parse_toml(text, path)
    reader = _Reader(raw, kinds)
    settings = reader.read()
    findings = list(dict.fromkeys([*reader.findings, *crosscheck(raw, kinds)]))
    if settings is None or findings:
        raise ConfigError(path, _placed(text, findings))
    return settings


def read_text(path: Path) -> str:
    """A config file's text, as it stands (line ends too). Raises `ConfigError` when it is missing or no UTF-8."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        problem = ConfigProblem(0, None, "", "there is no such file", "`proxyctl start` writes a first one")
        raise ConfigError(path, (problem,)) from None
    except OSError as exc:
        raise ConfigError(path, (ConfigProblem(0, None, "", f"cannot be read: {exc.strerror or exc}"),)) from exc
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = data[: exc.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        problem = ConfigProblem(before.count(b"\n") + 1, column, "", "is not UTF-8 text", "save the file as UTF-8")
        raise ConfigError(path, (problem,)) from None


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The plain value of a TOML text. Raises `ConfigError` with the place of its first syntax error."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        problem = _syntax_problem(text, str(exc))
    except RecursionError:
        problem = ConfigProblem(0, None, "", "is nested too deeply")
    raise ConfigError(path, (problem,))


def _syntax_problem(text: str, said: str) -> ConfigProblem:
    found = _PLACE.search(said)
    message = _PLACE.sub("", said)
    line, column = (int(found[1]), int(found[2])) if found and found[1] else place_at(text, len(text))
    hint = ""
    if message == "Invalid value":
        hint = 'text stands in quotes, as in mode = "pooled"'
    elif message.startswith(("Cannot declare", "Cannot overwrite")):
        hint = "a table or key may stand only once"
    return ConfigProblem(line, column, "", f"is not valid TOML: {message[:1].lower()}{message[1:]}", hint)


def _placed(text: str, findings: list[Finding]) -> tuple[ConfigProblem, ...]:
    layout = Layout(text)
    problems = []
    for finding in findings:
        line, column = layout.place(finding.path)
        problems.append(ConfigProblem(line, column, dotted(finding.path), finding.message, finding.hint))
    return tuple(problems)


class _Reader:
    """One reading of one file: what could be validated, and what could not."""

    def __init__(self, raw: Mapping[str, Any], kinds: Kinds) -> None:
        self._raw = raw
        self._kinds = kinds
        self.findings: list[Finding] = []

    def read(self) -> Settings | None:
        """The settings, or `None` when `findings` says why not."""
        self.findings += self._shape()
        server = self._validate(_SERVER, ("server",), self._with_keys(("server",), table(self._raw, "server")))
        routing = {"primary": default_primary(self._kinds), **table(self._raw, "routing")}
        validated_routing = self._validate(_ROUTING, ("routing",), routing)
        providers = {name: self._provider(name, one) for name, one in self._tables("providers")}
        aliases = {name: self._alias(name, given) for name, given in table(self._raw, "aliases").items()}
        tiers = {
            name: self._validate(_TIER, ("tiers", name), models)
            for name, models in self._tables("tiers")
            if name in TIERS
        }
        store = self._validate(_STORE, ("store",), table(self._raw, "store"))
        if self.findings or server is None or validated_routing is None or store is None:
            return None
        return Settings(
            server=server,
            routing=validated_routing,
            providers={name: one for name, one in providers.items() if one is not None},
            aliases={name: one for name, one in aliases.items() if one is not None},
            tiers={tier: tiers[tier] or {} for tier in TIERS if tier in tiers},
            store=store,
        )

    def _shape(self) -> Iterator[Finding]:
        for name, section in self._raw.items():
            if name not in SECTIONS:
                hint = did_you_mean(name, SECTIONS) or f"the sections are {', '.join(SECTIONS)}"
                yield Finding((name,), "there is no such section", hint)
            elif not isinstance(section, dict):
                yield Finding((name,), "is a section, not a value", f"write [{name}]")
        for section_name in ("providers", "tiers"):
            for name, one in table(self._raw, section_name).items():
                path = (section_name, name)
                if section_name == "tiers" and name not in TIERS:
                    hint = did_you_mean(name, TIERS) or f"the tiers are {', '.join(TIERS)}"
                    yield Finding(path, "there is no such tier", hint)
                elif not isinstance(one, dict):
                    yield Finding(path, "is a table, not a value", f"write [{dotted(path)}]")

    def _tables(self, section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        return ((name, one) for name, one in table(self._raw, section).items() if isinstance(one, dict))

    def _provider(self, name: str, given: Mapping[str, Any]) -> ProviderSettings | None:
        path = ("providers", name)
        if "name" in given:
            self.findings.append(Finding((*path, "name"), "a provider's name stands in the table's header"))
        primary = table(self._raw, "routing").get("primary", default_primary(self._kinds))
        # Nothing is enabled that the file does not say, but for the primary, which takes part by default.
        mode: Mode = "pooled" if name == primary else "off"
        values = {"mode": mode, **self._with_keys(path, given), "name": name}
        values["kind"] = given.get("kind", kind_of(name, given, self._kinds))
        return self._validate(_PROVIDER, path, values)

    def _with_keys(self, path: tuple[str, ...], given: Mapping[str, Any]) -> dict[str, Any]:
        """`key = "…"` is another way to write `keys = ["…"]`."""
        values = dict(given)
        if "key" not in values:
            return values
        key = values.pop("key")
        if "keys" in values:
            self.findings.append(Finding((*path, "key"), "`key` and `keys` are two ways to say one thing", "use one"))
            return values
        values["keys"] = [key]
        return values

    def _alias(self, name: str, given: object) -> AliasSettings | None:
        """A list, or one target without brackets, stands for a table with nothing but `targets`."""
        path = ("aliases", name)
        values = {"targets": [], **given} if isinstance(given, Mapping) else {"targets": given}
        if isinstance(values["targets"], str):
            values["targets"] = [values["targets"]]
        before = len(self.findings)
        alias = self._validate(_ALIAS, path, values)
        if not isinstance(given, Mapping):
            # The file has no key `targets` there: what is wrong with it is wrong with the alias.
            self.findings[before:] = [
                replace(one, path=(*path, *one.path[len(path) + 1 :])) for one in self.findings[before:]
            ]
        return alias

    def _validate(self, adapter: TypeAdapter[T], path: tuple[str, ...], values: Mapping[str, Any]) -> T | None:
        try:
            return adapter.validate_python(values)
        except ValidationError as exc:
            given = table(self._raw, path[0])
            if len(path) > 1:
                given = table(given, path[1])
            self.findings += [finding_from(error, path, given) for error in exc.errors(include_url=False)]
            return None
