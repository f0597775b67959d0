"""The input items of a responses request, to the canonical form's messages.

Items are flat where messages are nested: what the assistant said, thought and called between two others is one message
here. A reasoning item whose proof is one of our envelopes gives it back: a whole encrypted block as itself, a tool
call's proof to the call behind it, thinking's own to the thinking.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from proxyctl.core.chat import (
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    Role,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.custom_tools import custom_arguments
from proxyctl.dialects.envelope import SIGNS_CALLS, is_envelope, opened
from proxyctl.dialects.openai_responses import wire
from proxyctl.dialects.openai_responses.content import decode_content
from proxyctl.dialects.openai_responses.document import REDACTED
from proxyctl.dialects.openai_responses.tools import flat_name
from proxyctl.dialects.raw_lists import raw_list_decoder
from proxyctl.dialects.sources import read_url_citation
from proxyctl.dialects.typed import decode_typed

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}


class ItemReader:
    """Reads the items of one request; notes in `dropped` what the canonical form cannot carry."""

    def __init__(self, body: bytes) -> None:
        """`body` is the list's JSON text."""
        self._body = body
        self._raw: list[Raw] | None = None
        self._messages: list[Message] = []
        self._carried: Signature | None = None
        self.system: list[TextPart] = []
        self.dropped: list[str] = []
        self.tools: list[tuple[str, list[wire.Tool]]] = []

    def read(self, items: Sequence[wire.Item]) -> tuple[Message, ...]:
        """Return the conversation; its leading system texts are in `system`, what it offers on its way in `tools`.

        Raises `DecodeError`.
        """
        for index, item in enumerate(items):
            self._item(item, index, f"input[{index}]")
        self._leave_proof()
        return tuple(self._messages)

    def _item(self, item: wire.Item, index: int, path: str) -> None:
        match item.type:
            case "message":
                self._message(item, path)
            case None if item.role is not None:
                self._message(item, path)
            case "function_call" | "custom_tool_call":
                self._call(item, path)
            case "function_call_output" | "custom_tool_call_output":
                self._add("user", [self._result(item, path)])
            case "reasoning":
                self._reasoning(item)
            case "additional_tools":
                self._offer(item, f"{path}.tools")
            case "item_reference":
                raise UnsupportedError(
                    f"the item {item.id!r} is kept by another provider, or by nobody",
                    param=path,
                    hint="send the items themselves: set store to false",
                )
            case kind if kind in wire.ITEMS_OF_OTHERS:
                self._add("assistant", [OpaquePart(dialect="openai-responses", label=kind, raw=self._raw_item(index))])
            case kind:
                raise DecodeError(f"unknown item type {kind!r}", path=f"{path}.type")

    def _offer(self, item: wire.Item, path: str) -> None:
        tools = decode_typed(wire.tools_decoder, bytes(item.tools) or b"null", under=path)
        self.tools.append((path, tools or []))

    def _message(self, item: wire.Item, path: str) -> None:
        role = _ROLES.get(item.role or "")
        if role is None:
            raise DecodeError(f"unknown role {item.role!r}", path=f"{path}.role")
        parts = decode_content(item.content, f"{path}.content")
        if not isinstance(item.content, str):
            self.dropped += [
                f"{path}.content[{place}].annotations"
                for place, part in enumerate(item.content or ())
                if not all(map(read_url_citation, part.annotations or ()))
            ]
        if role != "system":
            self._add(role, parts)
            return
        texts = [part for part in parts if isinstance(part, TextPart)]
        if len(texts) != len(parts):
            raise DecodeError("only text can stand here", path=f"{path}.content")
        if self._messages:
            self._add(role, texts)
        else:
            self.system += texts

    def _call(self, item: wire.Item, path: str) -> None:
        name, call_id = flat_name(item.namespace, _required(item.name, f"{path}.name")), _call_id(item, path)
        if item.type == "custom_tool_call":
            arguments = custom_arguments(item.input or "")
        else:
            given = decode_typed(wire.arguments_decoder, _raw(item.arguments), under=f"{path}.arguments")
            arguments = given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()
        signature, self._carried = self._carried, None
        self._add("assistant", [ToolCallPart(id=call_id, name=name, arguments=arguments, signature=signature)])

    def _result(self, item: wire.Item, path: str) -> ToolResultPart:
        output = decode_typed(wire.contents_decoder, _raw(item.output), under=f"{path}.output")
        parts: list[TextPart | ImagePart | DocumentPart] = []
        for place, part in enumerate(decode_content(output, f"{path}.output")):
            if not isinstance(part, (TextPart, ImagePart, DocumentPart)):
                raise DecodeError("a tool answers with text, images or files", path=f"{path}.output[{place}]")
            parts.append(part)
        return ToolResultPart(call_id=_call_id(item, path), parts=tuple(parts))

    def _reasoning(self, item: wire.Item) -> None:
        text = "\n\n".join(part.text for part in item.summary or ())
        if not text and isinstance(item.content, list):
            text = "".join(part.text or "" for part in item.content)
        proof = item.encrypted_content or ""
        signature = opened(proof) if is_envelope(proof) else Signature(proof, "openai-responses") if proof else None
        if signature is not None and signature.value.startswith(REDACTED):
            self._add("assistant", [ThinkingPart(redacted=signature.value.removeprefix(REDACTED))])
            return
        if signature is not None and signature.origin == SIGNS_CALLS:
            self._leave_proof()
            if text:
                self._add("assistant", [ThinkingPart(text=text)])
            self._carried = signature
        elif text or signature is not None:
            self._add("assistant", [ThinkingPart(text=text, signature=signature)])

    def _add(self, role: Role, parts: Sequence[Part]) -> None:
        self._leave_proof()
        if not parts:
            return
        if self._messages and self._messages[-1].role == role and role != "system":
            last = self._messages[-1]
            self._messages[-1] = replace(last, parts=(*last.parts, *parts))
        else:
            self._messages.append(Message(role, tuple(parts)))

    def _leave_proof(self) -> None:
        """A call's proof with no call behind it stays what it came as: thinking without a text."""
        signature, self._carried = self._carried, None
        if signature is not None:
            self._add("assistant", [ThinkingPart(signature=signature)])

    def _raw_item(self, index: int) -> bytes:
        if self._raw is None:
            self._raw = raw_list_decoder.decode(self._body)
        return bytes(self._raw[index])


def _call_id(item: wire.Item, path: str) -> str:
    return _required(item.call_id, f"{path}.call_id")


def _required(value: str | None, path: str) -> str:
    if not value:
        raise DecodeError("it is required", path=path)
    return value


def _raw(value: Raw) -> bytes:
    return bytes(value) or b"null"
