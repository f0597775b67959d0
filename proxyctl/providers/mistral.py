"""Mistral: OpenAI's chat with 422 for each unknown field, nine-character call ids and an order of roles.

Source: wire notes 2026-11, "Mistral".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import DecodeError
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.openai_responses.counting import ResponsesCounter
from proxyctl.dialects.side.compatible import OpenAIEmbedder
from proxyctl.dialects.side.facts import SideEndpoints
from proxyctl.dialects.traits import ModelTraits
from proxyctl.providers._base import ModelInfo, ModelPage, Provider, TierModels, raw_text
from proxyctl.providers._messages import Json, MessageShape, StrictCall, acceptable, opened, shaped, with_parts

_ID = re.compile(r"[A-Za-z0-9]{9}")
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_THINKS = re.compile(r"mistral-(large-(4|latest)|medium-(3-[5-9]|latest)|small-(2603|latest))|magistral")
_INSTRUCTION = re.compile(rb'"role"\s*:\s*"(system|developer)"')
_BETWEEN = "OK."
_NO_ARGUMENTS: Json = {"type": "object", "properties": {}}

_SHAPE = MessageShape(
    members={
        "system": frozenset({"role", "content"}),
        "user": frozenset({"role", "content"}),
        "assistant": frozenset({"role", "content", "tool_calls", "prefix"}),
        "tool": frozenset({"role", "content", "tool_call_id", "name"}),
    },
    role_names={"developer": "system"},
)
_TRAITS = ModelTraits(
    temperature_max=1.0,
    audio=True,
    media_in_tool_results=False,
    mid_system=False,
    thinking="none",
    max_tokens_field="max_tokens",
)
_THINKING_IN = "reasoning_content"
"""Where chat histories carry thinking: here it is a part of the content."""


class _StrictMessage(Struct, forbid_unknown_fields=True):
    role: str
    content: Raw = Raw()
    tool_calls: list[StrictCall] | None = None
    tool_call_id: str = ""
    prefix: bool = False


_strict = msgspec.json.Decoder(list[_StrictMessage])


class _Counter(ResponsesCounter):
    """It counts for an endpoint that is not used here, so only what changes the prompt is told of thinking."""

    @override
    def encode(self, fields: Fields, model: str) -> Fields:
        counted = super().encode(fields, model)
        effort = counted.pop("reasoning", {}).get("effort")
        return counted if effort is None else {**counted, "reasoning": {"effort": effort}}


class MistralProvider(Provider):
    kind = "mistral"
    label = "Mistral"
    base_url = "https://api.mistral.ai/v1"
    key_env = ("MISTRAL_API_KEY",)
    endpoints: ClassVar[Mapping[DialectName, str]] = {"openai-chat": "/chat/completions"}
    families = (
        "mistral-*",
        "ministral-*",
        "codestral-*",
        "devstral-*",
        "magistral-*",
        "pixtral-*",
        "voxtral-*",
        "open-mistral-*",
        "open-mixtral-*",
    )
    body_fields = frozenset(
        (
            "model",
            "messages",
            "temperature",
            "top_p",
            "max_tokens",
            "stream",
            "stop",
            "random_seed",
            "metadata",
            "response_format",
            "tools",
            "tool_choice",
            "presence_penalty",
            "frequency_penalty",
            "min_tokens",
            "repetition_penalty",
            "top_k",
            "logprobs",
            "top_logprobs",
            "prompt_logprobs",
            "top_prompt_logprobs",
            "n",
            "prediction",
            "parallel_tool_calls",
            "reasoning_effort",
            "prompt_mode",
            "guardrails",
            "prompt_cache_key",
            "service_tier",
            "safe_prompt",
        )
    )
    renames: ClassVar[Mapping[str, str]] = {"max_completion_tokens": "max_tokens", "seed": "random_seed"}
    # Usage is in the last chunk of every stream, and `stream_options` is a 422.
    reports_stream_usage_unasked = True
    price_id = "mistral"
    beside = SideEndpoints(
        counter=_Counter(),
        embedder=OpenAIEmbedder(
            "/embeddings",
            fields=frozenset(("model", "input", "metadata", "output_dimension", "output_dtype", "encoding_format")),
            renames={"dimensions": "output_dimension"},
        ),
        transcription="/audio/transcriptions",
    )
    tier_models: ClassVar[TierModels] = {
        "large": "mistral-large-4",
        "medium": "mistral-medium-3-5",
        "small": "mistral-small-2603",
    }

    @override
    def _traits_of(self, model: str) -> ModelTraits:
        if _THINKS.match(model):
            return msgspec.structs.replace(
                _TRAITS, thinking="effort", thinking_efforts=("high",), reasoning_in=_THINKING_IN
            )
        return _TRAITS

    @override
    def passes(self, dialect: DialectName, model: str, peek: Peek) -> bool:
        # Tool calls come without their `type`, whole, with arguments that may be an object; thinking comes as a list
        # of chunks in `content`. OpenAI's clients read neither.
        thinks = model.startswith("magistral") or (peek.wants_thinking and _THINKS.match(model) is not None)
        return not (peek.has_tools or thinks)

    @override
    def _adapt_chat(self, fields: Fields, *, model: str, losses: Losses) -> Fields:
        adapted = super()._adapt_chat(fields, model=model, losses=losses)
        self._adapt_messages(adapted, losses, thinks=self.traits(model).reasoning_in is not None)
        _give_parameters(adapted)
        _fit_choices(adapted, losses)
        return adapted

    def _adapt_messages(self, fields: Fields, losses: Losses, *, thinks: bool) -> None:
        value: Any = fields.get("messages")
        if acceptable(value, _strict) and not _needs_order(bytes(value)):
            return
        messages = opened(value)
        if messages is None:
            return
        if thinks:
            messages = [_with_thinking(message) for message in messages]
        messages = shaped(messages, _SHAPE, losses, self.label)
        messages = [with_parts(_with_short_ids(message), _part) for message in messages]
        fields["messages"] = _ordered(messages, losses)

    @override
    def read_models(self, body: bytes) -> ModelPage:
        """Each alias is a name of its own: callers use them, and prices do not know them."""
        try:
            listed = msgspec.json.decode(body, type=_Models)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise DecodeError(f"not a model list: {exc}") from exc
        models: dict[str, ModelInfo] = {}
        for entry in listed.data:
            for name in (entry.id, *(entry.aliases or ())):
                models.setdefault(name, _info(entry, name))
        return ModelPage(tuple(models.values()))


class _Capabilities(Struct):
    completion_chat: bool = True


class _Model(Struct):
    id: str
    created: int | None = None
    owned_by: str | None = None
    capabilities: _Capabilities | None = None
    max_context_length: int | None = None
    aliases: list[str] | None = None


class _Models(Struct):
    data: list[_Model]


def _info(entry: _Model, name: str) -> ModelInfo:
    return ModelInfo(
        id=name,
        created=entry.created,
        owned_by=entry.owned_by or "",
        context=entry.max_context_length,
        chat=entry.capabilities is None or entry.capabilities.completion_chat,
    )


def short_id(value: str) -> str:
    """A call id in the only form that is accepted, nine letters or digits: the same one, or a stable stand-in."""
    if _ID.fullmatch(value):
        return value
    number = int.from_bytes(blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest())
    letters = []
    for _ in range(9):
        number, digit = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[digit])
    return "".join(letters)


def _needs_order(messages: bytes) -> bool:
    """Whether tools or a developer are about, or an instruction comes last: else nothing of the order can be wrong."""
    if b'"tool' in messages or b'"developer"' in messages or b'"file"' in messages or b'"input_audio"' in messages:
        return True
    # Inside a text the quotes are escaped: this is a message's own role, and the last one's.
    return _INSTRUCTION.match(messages, max(0, messages.rfind(b'"role"'))) is not None


def _with_short_ids(message: Json) -> Json:
    changed = dict(message)
    if isinstance(changed.get("tool_call_id"), str):
        changed["tool_call_id"] = short_id(changed["tool_call_id"])
    if isinstance(changed.get("tool_calls"), list):
        changed["tool_calls"] = [
            {**call, "id": short_id(str(call.get("id") or index))} if isinstance(call, dict) else call
            for index, call in enumerate(changed["tool_calls"])
        ]
    return changed


def _with_thinking(message: Json) -> Json:
    """An assistant message with its thinking as the first part of what it said, where its authors look for it."""
    thought = message.get(_THINKING_IN) or message.get("reasoning")
    said = message.get("content")
    if message.get("role") != "assistant" or not isinstance(thought, str) or not (said or message.get("tool_calls")):
        return message
    chunk = {"type": "thinking", "thinking": [{"type": "text", "text": thought}], "closed": True}
    kept = {key: value for key, value in message.items() if key not in (_THINKING_IN, "reasoning")}
    return {**kept, "content": [chunk, *(_parts(said) if said else [])]}


def _part(part: Json) -> Json:
    """Files and audio have their own forms here."""
    file, audio = part.get("file"), part.get("input_audio")
    if part.get("type") == "file" and isinstance(file, dict) and isinstance(file.get("file_data"), str):
        name = {"document_name": file["filename"]} if file.get("filename") else {}
        return {"type": "document_url", "document_url": file["file_data"], **name}
    if part.get("type") == "input_audio" and isinstance(audio, dict):
        return {"type": "input_audio", "input_audio": audio.get("data")}
    return part


def _ordered(messages: list[Json], losses: Losses) -> list[Json]:
    """No user directly behind a tool, no two assistants in a row, no empty assistant, a last one marked as prefix.

    Nor an instruction as the last word: a request that is nothing else is asked by the user.
    """
    ordered: list[Json] = []
    for index, message in enumerate(messages):
        role = message.get("role")
        before = ordered[-1] if ordered else {}
        if role == "assistant" and not message.get("content") and not message.get("tool_calls"):
            losses.add(f"messages[{index}]", "an empty assistant message was left out")
            continue
        if role == "user" and before.get("role") == "tool":
            losses.add(f"messages[{index}]", "an assistant turn was put between a tool result and this message")
            ordered.append({"role": "assistant", "content": _BETWEEN})
        elif role == "assistant" and before.get("role") == "assistant":
            ordered[-1] = _joined(before, message)
            continue
        ordered.append(message)
    if ordered and ordered[-1].get("role") == "assistant" and not ordered[-1].get("tool_calls"):
        ordered[-1] = {**ordered[-1], "prefix": True}
    if ordered and ordered[-1].get("role") in ("system", "developer"):
        losses.add(f"messages[{len(messages) - 1}].role", "it became 'user': nobody else may speak last")
        ordered[-1] = {**ordered[-1], "role": "user"}
    return ordered


def _joined(first: Json, second: Json) -> Json:
    joined = {**first, "content": _joined_content(first.get("content"), second.get("content"))}
    calls = [*(first.get("tool_calls") or ()), *(second.get("tool_calls") or ())]
    return {**joined, "tool_calls": calls} if calls else joined


def _joined_content(first: Any, second: Any) -> Any:
    if not first or not second:
        return first or second or ""
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _give_parameters(fields: Fields) -> None:
    """`parameters` is required of each function."""
    tools = fields.get("tools")
    if tools is None or (isinstance(tools, Raw) and bytes(tools).count(b'"parameters"') >= _tool_count(tools)):
        return
    listed = opened(tools)
    if listed is None:
        return
    fields["tools"] = [
        {**tool, "function": {**tool["function"], "parameters": _NO_ARGUMENTS}}
        if isinstance(tool.get("function"), dict) and not tool["function"].get("parameters")
        else tool
        for tool in listed
    ]


def _tool_count(tools: Raw) -> int:
    return bytes(tools).count(b'"function":') + bytes(tools).count(b'"function" :')


def _fit_choices(fields: Fields, losses: Losses) -> None:
    """Words that have fewer values here."""
    effort = raw_text(fields.get("reasoning_effort"))
    if effort == b'"minimal"':
        fields["reasoning_effort"] = "none"
    elif effort in (b'"low"', b'"medium"', b'"xhigh"', b'"max"'):
        losses.add("reasoning_effort", "it became 'high': Mistral has no other level")
        fields["reasoning_effort"] = "high"
    if raw_text(fields.get("service_tier")) == b'"default"':
        fields["service_tier"] = "standard_only"
