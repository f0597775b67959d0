"""Anthropic's rules about messages and their blocks: roles, pairing of calls and results, signatures, prefill.

Same-role neighbours count as one message, as they do on the provider's side (wire notes 2026-11).
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

from proxyctl.simulator.models import Model

_NEWEST = "2026-10-21"
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_MARK = "EsSim"
_MEDIA = {"image/jpeg", "image/png", "image/gif", "image/webp"}
_USER_BLOCKS = {"text", "image", "document", "search_result", "tool_result", "container_upload"}
_ASSISTANT_BLOCKS = {"text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "document"}
Json = dict[str, Any]


def sign(model: Model, seed: str) -> str:
    """A thinking signature, bound to the model."""
    return _MARK + base64.b64encode(f"{model.id}:{seed[:20]}".encode()).decode()


def blocks_of(message: Json) -> list[Json]:
    """The content as blocks; a string is one text block."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or [] if isinstance(block, dict)]


def turn_complaints(body: Json, model: Model, version: str) -> Iterator[str]:
    messages = body["messages"]
    if not messages:
        yield "messages: at least one message is required"
        return
    for index, message in enumerate(messages):
        yield from _message_complaints(message, index, len(messages), model, version)
    if messages[0].get("role") != "user":
        yield 'messages: first message must use the "user" role'
    if messages[-1].get("role") == "assistant" and model.generation >= 4.6:
        yield "This model does not support assistant message prefill. The conversation must end with a user message."
    merged = _merge(messages)
    yield from _pair_complaints(merged)
    used = any(block.get("type") in {"tool_use", "tool_result"} for _, blocks in merged for block in blocks)
    if used and not body.get("tools"):
        yield "Requests which include `tool_use` or `tool_result` blocks must define `tools`."
    if (body.get("thinking") or {}).get("type") == "enabled":
        yield from _open_loop_complaints(merged)


def _message_complaints(message: Json, index: int, total: int, model: Model, version: str) -> Iterator[str]:
    role, place = message.get("role"), f"messages.{index}"
    if role == "system" and (model.generation < 4.8 or index == 0):
        yield f"{place}: role 'system' is not supported here for this model."
    elif role not in {"user", "assistant", "system"}:
        yield f"{place}.role: Input should be 'user' or 'assistant'"
    for extra in message.keys() - {"role", "content", *(("output_config",) if role == "system" else ())}:
        yield f"{place}.{extra}: Extra inputs are not permitted"
    content = message.get("content")
    if not content and not (role == "assistant" and index == total - 1):
        yield f"{place}: all messages must have non-empty content except for the optional final assistant message"
    for number, block in enumerate(blocks_of(message)):
        yield from _block_complaints(block, str(role), f"{place}.content.{number}", model, version)


def _block_complaints(block: Json, role: str, place: str, model: Model, version: str) -> Iterator[str]:
    kind = block.get("type")
    allowed = _ASSISTANT_BLOCKS if role == "assistant" else _USER_BLOCKS
    if kind not in allowed and not str(kind).endswith("_tool_result"):
        yield f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
        return
    match kind:
        case "text":
            yield from _text_complaints(block, place, cited=role == "assistant" or version != _NEWEST)
        case "image":
            yield from _image_complaints(block, place)
        case "document" if role == "assistant" and version == _NEWEST:
            yield f"{place}: `document` blocks are not permitted in assistant messages"
        case "thinking":
            yield from _signature_complaints(block, place, model)
        case "tool_use":
            yield from _call_complaints(block, place)
        case "tool_result":
            for extra in block.keys() - {"type", "tool_use_id", "content", "is_error", "cache_control"}:
                yield f"{place}.tool_result.{extra}: Extra inputs are not permitted"


def _text_complaints(block: Json, place: str, *, cited: bool) -> Iterator[str]:
    if not block.get("text"):
        yield "messages: text content blocks must be non-empty"
    for extra in block.keys() - {"type", "text", "cache_control", "citations"}:
        yield f"{place}.text.{extra}: Extra inputs are not permitted"
    if block.get("citations") and not cited:
        yield f"{place}.text.citations: must be empty on user messages"


def _call_complaints(block: Json, place: str) -> Iterator[str]:
    if not isinstance(block.get("input"), dict):
        yield f"{place}.tool_use.input: Input should be a valid dictionary"
    if _ID.fullmatch(str(block.get("id", ""))) is None:
        yield f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"


def _image_complaints(block: Json, place: str) -> Iterator[str]:
    source = block.get("source")
    if not isinstance(source, dict) or source.get("type") not in {"base64", "url", "file"}:
        yield f"{place}.image.source: Input should be a base64, url or file source"
    elif source["type"] == "base64" and source.get("media_type") not in _MEDIA:
        yield f"{place}.image.source.base64.media_type: Input should be one of {sorted(_MEDIA)}"
    elif source["type"] == "base64" and not source.get("data"):
        yield f"{place}.image.source.base64: image cannot be empty"


def _signature_complaints(block: Json, place: str, model: Model) -> Iterator[str]:
    signature = block.get("signature")
    if not isinstance(signature, str):
        yield f"{place}.thinking.signature: Field required"
        return
    if signature.startswith(_MARK):
        made_by = base64.b64decode(signature.removeprefix(_MARK)).decode("utf-8", "replace").partition(":")[0]
        if made_by == model.id:
            return
    yield f"{place}: Invalid `signature` in `thinking` block"


def _merge(messages: list[Json]) -> list[tuple[str, list[Json]]]:
    merged: list[tuple[str, list[Json]]] = []
    for message in messages:
        role = "assistant" if message.get("role") == "assistant" else "user"
        if merged and merged[-1][0] == role:
            merged[-1][1].extend(blocks_of(message))
        else:
            merged.append((role, blocks_of(message)))
    return merged


def _pair_complaints(merged: list[tuple[str, list[Json]]]) -> Iterator[str]:
    for index, (role, blocks) in enumerate(merged):
        calls = [block.get("id") for block in blocks if block.get("type") == "tool_use"]
        results = [block.get("tool_use_id") for block in blocks if block.get("type") == "tool_result"]
        if len(set(calls)) != len(calls):
            yield "messages: `tool_use` ids must be unique"
        if role == "assistant" and calls:
            following = merged[index + 1][1] if index + 1 < len(merged) else []
            missing = [call for call in calls if call not in _leading_results(following)]
            if missing:
                yield (
                    f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                    f"{', '.join(map(str, missing))}. Each `tool_use` block must have a corresponding `tool_result` "
                    "block in the next message."
                )
        if role == "user" and results:
            before = merged[index - 1][1] if index else []
            known = {block.get("id") for block in before if block.get("type") == "tool_use"}
            for result in results:
                if result not in known:
                    yield f"messages.{index}.content: unexpected `tool_use_id` found in `tool_result` blocks: {result}."
            if len(set(results)) != len(results):
                yield "messages: each tool_use must have a single result. Found multiple `tool_result` blocks."


def _leading_results(blocks: list[Json]) -> list[Any]:
    """Results count only while nothing else stands before them."""
    found: list[Any] = []
    for block in blocks:
        if block.get("type") != "tool_result":
            break
        found.append(block.get("tool_use_id"))
    return found


def _open_loop_complaints(merged: list[tuple[str, list[Json]]]) -> Iterator[str]:
    """With budgeted thinking, the assistant turns of an open tool loop begin with a thinking block, or one of them."""
    last = len(merged) - 1
    firsts: list[str | None] = []
    while last >= 1 and any(block.get("type") == "tool_result" for block in merged[last][1]):
        firsts.append(merged[last - 1][1][0].get("type") if merged[last - 1][1] else None)
        last -= 2
    if firsts and not {"thinking", "redacted_thinking"}.intersection(firsts):
        yield (
            f"messages.{len(merged) - 2}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{firsts[0]}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block."
        )
