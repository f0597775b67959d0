"""The shapes of Gemini's requests as clients write them, in camelCase; what only one level needs stays raw.

Numbers may be written as text, as proto-JSON allows. Source: wire notes 2026-11, "Google Gemini" and "inbound
dispatch", and what agents send (client notes 2026-11).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxyctl.dialects.raw_lists import raw_list_decoder


class Blob(Struct, rename="camel"):
    mime_type: str = ""
    data: str = ""
    display_name: str | None = None


class FileData(Struct, rename="camel"):
    file_uri: str = ""
    mime_type: str = ""
    display_name: str | None = None


class FunctionCall(Struct):
    name: str
    id: str | None = None
    args: Raw = Raw()


class ResponsePart(Struct, rename="camel"):
    inline_data: Blob | None = None
    file_data: FileData | None = None


class FunctionResponse(Struct):
    name: str = ""
    id: str | None = None
    response: dict[str, Raw] | None = None
    parts: list[ResponsePart] | None = None


class Part(Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    video_metadata: Raw = Raw()
    media_resolution: Raw = Raw()


class Content(Struct):
    role: str | None = None
    parts: list[Part] | None = None


class FunctionDeclaration(Struct, rename="camel"):
    name: str
    description: str | None = None
    parameters: Raw = Raw()
    parameters_json_schema: Raw = Raw()


class Tool(Struct, rename="camel"):
    function_declarations: list[FunctionDeclaration] | None = None


class FunctionCallingConfig(Struct, rename="camel"):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(Struct, rename="camel"):
    function_calling_config: FunctionCallingConfig | None = None


class ThinkingConfig(Struct, rename="camel"):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class GenerationConfig(Struct, rename="camel"):
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    response_mime_type: str | None = None
    response_schema: Raw = Raw()
    response_json_schema: Raw = Raw()
    response_modalities: list[str] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    thinking_config: ThinkingConfig | None = None


class Request(Struct, rename="camel"):
    """All but the contents."""

    system_instruction: Raw = Raw()
    tools: Raw = Raw()
    tool_config: ToolConfig | None = None
    generation_config: Raw = Raw()
    cached_content: str | None = None
    continuation_token: str | None = None
    service_tier: str | None = None


request_decoder = msgspec.json.Decoder(Request)
tool_decoder = msgspec.json.Decoder(Tool)
config_decoder = msgspec.json.Decoder(GenerationConfig, strict=False)
contents_decoder = msgspec.json.Decoder(list[Content])
object_decoder = msgspec.json.Decoder(dict[str, Any])
text_decoder = msgspec.json.Decoder(str)


@cache
def names_of(struct: type[Struct]) -> frozenset[str]:
    """The members of a struct as they are written."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(struct))


def long_form(value: Raw) -> bytes:
    """Contents as the list of objects that they are short for. Raises `msgspec.DecodeError` for what is no JSON.

    Scripts write one content for a list of them or a bare text, and one part for its list, as Google's own examples do.
    A text in place of a part is none of these: Google refuses it, and so does whoever decodes this.
    """
    return msgspec.json.encode([_content(item) for item in items(value)])


def _content(text: bytes) -> Raw:
    if text.startswith(b'"'):
        return Raw(b'{"parts":[{"text":' + text + b"}]}")
    if not text.startswith(b"{"):
        return Raw(text)
    fields = msgspec.json.decode(text, type=dict[str, Raw])
    parts = bytes(fields.get("parts", b""))
    if parts.startswith(b"{"):
        fields["parts"] = Raw(b"[" + parts + b"]")
    return Raw(msgspec.json.encode(fields))


def items(value: Raw) -> list[bytes]:
    """The elements of a list, or the one element that stands where a list may. Raises `msgspec.DecodeError`."""
    text = bytes(value).strip()
    if text in (b"", b"null"):
        return []
    if text.startswith(b"["):
        return [bytes(item) for item in raw_list_decoder.decode(text)]
    return [text]
