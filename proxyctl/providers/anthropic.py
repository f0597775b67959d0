"""Anthropic: the messages API, whose rules follow the model's version; the name is read for what each takes.

A name that says no version, or a newer one than we know, gets the newest rules: a wrong guess then costs a loss, not a
400. Source: wire notes 2026-11, "Anthropic".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from proxyctl.core.chat import DialectName, Effort
from proxyctl.core.errors import DecodeError, Problem
from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages.counting import MessagesCounter
from proxyctl.dialects.anthropic_messages.fitted import fit_sampling, fit_thinking
from proxyctl.dialects.anthropic_messages.unproven import without_blocks
from proxyctl.dialects.base import Fields, encode_json
from proxyctl.dialects.envelope import PREFIX, is_envelope
from proxyctl.dialects.raw_lists import raw_list_decoder
from proxyctl.dialects.side.facts import SideEndpoints
from proxyctl.dialects.traits import ModelTraits
from proxyctl.providers._base import Header, ModelInfo, ModelPage, Provider, TierModels

_BETA = b"anthropic-beta"
_UNKNOWN_BETAS = re.compile(r"Unexpected value\(s\) (.+?) for the `?anthropic-beta`? header")
_QUOTED = re.compile(r"`([^`]+)`")
_NEW_API, _OLD_API = "2026-10-21", "2023-06-01"
_LIST = "/v1/models?limit=1000"
_NEWEST = (99, 0)
_ADAPTIVE_ONLY = (4, 7)
"""From this version on, a budget in tokens is refused."""
_MARKED = ("tools", "system", "messages", "cache_control")
_MARK = "cache_control"
_THOUGHT = frozenset({"thinking", "redacted_thinking"})
_CALLERS_OWN = frozenset({"input", "input_schema"})
_SEALED = PREFIX.encode()
_FOREIGN = "another provider's thinking was left out"

_BY_FAMILY = re.compile(r"claude-([a-z]+)-(\d{1,2})(?:-(\d{1,2}))?(?![\d])")
_BY_VERSION = re.compile(r"claude-(\d)(?:[.-](\d))?-([a-z]+)")

_EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
_COMMON = ModelTraits(
    max_output=128_000,
    temperature_max=1.0,
    temperature_with_top_p=False,
    penalties=False,
    seed=False,
    tool_name_limit=128,
    audio=False,
    thinking="adaptive",
    thinking_efforts=_EFFORTS,
)


class AnthropicProvider(Provider):
    kind = "anthropic"
    label = "Anthropic"
    base_url = "https://api.anthropic.com"
    key_env = ("ANTHROPIC_API_KEY",)
    endpoints: ClassVar[Mapping[DialectName, str]] = {"anthropic-messages": "/v1/messages"}
    families = ("claude-*",)
    models_target = _LIST
    reports_stream_usage_unasked = True
    price_id = "anthropic"
    beside = SideEndpoints(counter=MessagesCounter())
    tier_models: ClassVar[TierModels] = {
        "large": "claude-opus-5-5",
        "medium": "claude-sonnet-5-5",
        "small": "claude-haiku-5-5",
    }

    @override
    def _traits_of(self, model: str) -> ModelTraits:
        family, version = read_name(model)
        if version < _ADAPTIVE_ONLY:
            return _before_4_7(version)
        return msgspec.structs.replace(
            _COMMON,
            sampling=False,
            prefill=False,
            mid_system=version >= (4, 8),
            forced_tool_choice=not _refuses_forced_choice(family, version),
            thinks_unasked=version >= (5, 0),
            thinking_off=_can_be_switched_off(family, version),
            thinking_off_type="between_tools" if family == "sonnet" and version >= (5, 5) else "disabled",
        )

    @override
    def credential_headers(self, key: str) -> list[Header]:
        return [(b"x-api-key", key.encode())]

    @override
    def dialect_headers(self, dialect: DialectName, model: str, client: Mapping[bytes, bytes]) -> list[Header]:
        """The version by the model, the betas as the caller asked for them.

        A caller of the old version may set sampling parameters, which only older models still take.
        """
        del dialect
        traits = self.traits(model)
        asked = client.get(b"anthropic-version", b"").decode("latin-1")
        version = _OLD_API if traits.sampling and asked != _NEW_API else _NEW_API
        headers = [(b"anthropic-version", version.encode())]
        betas = client.get(_BETA)
        if betas:
            headers.append((_BETA, b",".join(_betas(betas)) if b"," in betas else betas))
        return headers

    @override
    def refused_values(self, client: Mapping[bytes, bytes], problem: Problem) -> tuple[bytes, frozenset[bytes]] | None:
        found = _UNKNOWN_BETAS.search(problem.message) if problem.status == 400 else None
        if found is None:
            return None
        named = frozenset(name.encode() for name in _QUOTED.findall(found.group(1)))
        refused = named.intersection(_betas(client.get(_BETA, b"")))
        return (_BETA, refused) if refused else None

    @override
    def adapt(self, fields: Fields, *, dialect: DialectName, model: str, losses: Losses) -> Fields:
        if dialect != "anthropic-messages":
            return fields
        adapted, traits = dict(fields), self.traits(model)
        fit_sampling(adapted, traits, losses)
        if "claude" in model.lower():
            by_budget = traits.thinking != "none" and read_name(model)[1] < _ADAPTIVE_ONLY
            fit_thinking(adapted, traits, losses, by_budget=by_budget)
        else:
            adapted.update({name: _without_ttl(adapted[name]) for name in _MARKED if name in adapted})
        messages = adapted.get("messages")
        if isinstance(messages, Raw) and _SEALED in bytes(messages):
            adapted["messages"] = messages = without_blocks(messages, _SEALED, _is_foreign, _FOREIGN, losses)
        if isinstance(messages, Raw) and _thinks_by_budget(adapted) and _goes_on_without_thinking(messages):
            del adapted["thinking"]
            losses.add("thinking", "the open tool loop has no signed thinking to continue from: not asked for")
        return adapted

    @override
    def read_models(self, body: bytes) -> ModelPage:
        try:
            page = msgspec.json.decode(body, type=_Page)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise DecodeError(f"not a model list: {exc}") from exc
        following = f"{_LIST}&after_id={quote(page.last_id, safe='')}" if page.has_more and page.last_id else None
        models = tuple(
            ModelInfo(
                id=entry.id,
                display_name=entry.display_name or "",
                owned_by="anthropic",
                context=entry.max_input_tokens,
                max_output=entry.max_tokens,
                created=_seconds(entry.created_at),
                lifecycle=entry.lifecycle,
            )
            for entry in page.data
        )
        return ModelPage(models, following)


class _Model(Struct):
    id: str
    display_name: str | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None
    created_at: str = ""
    lifecycle: str = "active"


class _BlockHead(Struct):
    type: str = ""
    signature: str | None = None


class _Turn(Struct):
    role: str = ""
    content: str | list[_BlockHead] = ""


_block_head = msgspec.json.Decoder(_BlockHead)
_turn = msgspec.json.Decoder(_Turn)


class _Page(Struct):
    data: list[_Model]
    has_more: bool = False
    last_id: str | None = None


def _betas(header: bytes) -> tuple[bytes, ...]:
    """A list of betas, in the caller's order: joined from several headers it may name one twice."""
    return tuple(dict.fromkeys(name for beta in header.split(b",") if (name := beta.strip())))


def read_name(model: str) -> tuple[str, tuple[int, int]]:
    """The family and version in a model's name: `claude-opus-4-8-20260101` is `("opus", (4, 8))`.

    Two digits at most are a version, eight are a date. Both orders of words are known (`claude-3-5-haiku`).
    """
    if match := _BY_FAMILY.search(model):
        return match.group(1), (int(match.group(2)), int(match.group(3) or 0))
    if match := _BY_VERSION.search(model):
        return match.group(3), (int(match.group(1)), int(match.group(2) or 0))
    return "", _NEWEST


def _before_4_7(version: tuple[int, int]) -> ModelTraits:
    """4.6 takes sampling and thinks adaptively; 4.5 and older think by budget and continue an assistant message."""
    if version >= (4, 6):
        return msgspec.structs.replace(_COMMON, prefill=False, mid_system=False)
    return msgspec.structs.replace(
        _COMMON,
        max_output=64_000 if version >= (4, 5) else 32_000 if version >= (4, 0) else 8192,
        prefill=True,
        mid_system=False,
        json_schema=version >= (4, 5),
        temperature_with_top_p=version < (4, 0),
        thinking="budget" if version >= (3, 7) else "none",
        thinking_budget_max=32_000,
    )


def _refuses_forced_choice(family: str, version: tuple[int, int]) -> bool:
    if family in ("fable", "mythos"):
        return version >= (5, 1)
    return version >= (5, 5) and family != "haiku"


def _can_be_switched_off(family: str, version: tuple[int, int]) -> bool:
    if version < (5, 0) or family in ("haiku", "sonnet"):
        return True
    return family == "opus" and version < (5, 5)


def _is_foreign(block: Raw) -> bool:
    try:
        head = _block_head.decode(block)
    except msgspec.ValidationError:
        return False
    return head.type == "thinking" and is_envelope(head.signature or "")


def _without_ttl(value: Any) -> Any:
    """Cache marks without a time: servers that imitate this dialect for models of their own refuse it."""
    if not isinstance(value, Raw):
        return _timeless(_MARK, value)
    if b'"ttl"' not in bytes(value):
        return value
    try:
        return Raw(encode_json(_timeless(_MARK, msgspec.json.decode(value))))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return value


def _timeless(name: str, value: Any) -> Any:
    """`name` is the member that `value` stands under, empty in a list."""
    if isinstance(value, list):
        return [_timeless("", item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: one for key, one in value.items() if name != _MARK or key != "ttl"}
    return {key: one if key in _CALLERS_OWN else _timeless(key, one) for key, one in kept.items()}


def _thinks_by_budget(fields: Fields) -> bool:
    asked = fields.get("thinking")
    return isinstance(asked, Raw) and b'"enabled"' in bytes(asked)


def _goes_on_without_thinking(messages: Raw) -> bool:
    """Whether the last message goes on with a tool loop in which nobody has thought: one of another provider's.

    With a budget for thinking that is a 400 (wire notes 2026-11, "Anthropic"). One thinking anywhere in the loop is
    enough: between its tools a model need not think, and what it has thought is a 400 without the budget.
    """
    answers = False
    try:
        for message in reversed(raw_list_decoder.decode(messages)):
            turn = _turn.decode(message)
            kinds = [] if isinstance(turn.content, str) else [block.type for block in turn.content]
            if turn.role == "user" and "tool_result" in kinds:
                answers = True
            elif turn.role != "assistant":
                break
            elif not answers or (kinds and kinds[0] in _THOUGHT):
                return False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return answers


def _seconds(moment: str) -> int | None:
    """Unix seconds of an RFC 3339 time, `None` when it is none."""
    try:
        return int(datetime.fromisoformat(moment).timestamp())
    except ValueError:
        return None
