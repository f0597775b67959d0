"""Put a validation error of pydantic's into our words: which key of the file, what is wrong, what was perhaps meant.

Only closed sets (modes, levels) are compared with what was written. The refused value itself is never repeated: it may
be a key that somebody pasted.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic_core import ErrorDetails

from proxyctl.config.crosscheck import Finding, finding
from proxyctl.config.model import (
    AliasSettings,
    ChatFlags,
    ProviderSettings,
    RoutingSettings,
    ServerSettings,
    StoreSettings,
)
from proxyctl.config.problems import Refusal, did_you_mean

KNOWN_KEYS: Mapping[str, tuple[str, ...]] = {
    "server": (*(field.name for field in fields(ServerSettings)), "key"),
    "routing": tuple(field.name for field in fields(RoutingSettings)),
    "providers": (*(field.name for field in fields(ProviderSettings) if field.name != "name"), "key"),
    "chat": tuple(field.name for field in fields(ChatFlags)),
    "aliases": tuple(field.name for field in fields(AliasSettings)),
    "store": tuple(field.name for field in fields(StoreSettings)),
}
"""The keys that each section may hold."""
_HOMES = {"providers": "providers.NAME", "chat": "providers.NAME.chat", "aliases": "aliases.NAME"}

_MESSAGES = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be a text in quotes",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "dataclass_type": "must be a table",
    "string_too_short": "must not be empty",
    "finite_number": "must be a finite number",
}


def finding_from(error: ErrorDetails, path: tuple[str, ...], given: Mapping[str, Any]) -> Finding:
    """The finding that says what `error` says of the section at `path`, in which the file wrote `given`."""
    where = tuple(part for part in error["loc"] if part != "[key]")
    if where[:1] == ("keys",) and "key" in given:
        where = ("key",)
    if where == ("name",):
        where = ()
    kind = error["type"]
    context = error.get("ctx", {})
    refusal = context.get("error")
    if isinstance(refusal, Refusal):
        return finding(refusal, (*path, *where))
    where = (*path, *where)
    if kind == "unexpected_keyword_argument":
        return Finding(where, "there is no such key", _hint_for_unknown(where))
    if kind == "literal_error":
        choices = tuple(re.findall(r"'([^']*)'", str(context.get("expected", ""))))
        message = f"must be {' or '.join(choices)}" if len(choices) < 3 else f"must be one of {', '.join(choices)}"
        return Finding(where, message, did_you_mean(error["input"], choices))
    return Finding(where, _MESSAGES.get(kind) or _in_our_words(error["msg"]))


def _in_our_words(message: str) -> str:
    message = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return message[:1].lower() + message[1:]


def _hint_for_unknown(where: tuple[str | int, ...]) -> str:
    section, key = str(where[0]), str(where[-1])
    if section == "providers" and "chat" in where[2:-1]:
        section = "chat"
    known = KNOWN_KEYS[section]
    near = did_you_mean(key, known)
    if near:
        return near
    homes = [name for name, keys in KNOWN_KEYS.items() if key in keys]
    if homes:
        return f"it belongs to [{_HOMES.get(homes[0], homes[0])}]"
    return f"the keys are {', '.join(sorted(known))}"
