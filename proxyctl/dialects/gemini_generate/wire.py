"""The shapes of Gemini's answers, as documented for `generateContent` (v1 and v1beta), read strictly where we use them.

Members that we do not know are ignored. Arguments stay raw JSON, so that numbers survive. Nothing here decides.
Source: wire notes 2026-11, "Google Gemini".
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct

from proxyctl.core.usage import Usage, UsageSource, disjoint


class FunctionCall(Struct):
    name: str = ""
    id: str | None = None
    args: Raw = Raw(b"{}")


class Blob(Struct, rename="camel"):
    mime_type: str | None = None
    data: str | None = None


class Part(Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    inline_data: Blob | None = None
    file_data: Any = None
    executable_code: Any = None
    code_execution_result: Any = None
    tool_call: Any = None
    tool_response: Any = None


class Content(Struct):
    parts: list[Part] | None = None


ABSENT = Raw()
"""What a frame without metadata has: told from all others by identity, which costs nothing."""


class Candidate(Struct, rename="camel"):
    index: int | None = None
    content: Content | None = None
    finish_reason: str | None = None
    continuation_token: str | None = None
    finish_message: str | None = None
    citation_metadata: Raw = ABSENT
    grounding_metadata: Raw = ABSENT
    url_context_metadata: Raw = ABSENT


class PromptFeedback(Struct, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class UsageMetadata(Struct, rename="camel"):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None


class Response(Struct, rename="camel"):
    """A whole answer, or one frame of a stream: each frame holds new parts only, but cumulative usage."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: Raw = Raw()
    model_version: str | None = None
    response_id: str | None = None
    error: Any = None


def usage_of(counts: UsageMetadata, source: UsageSource) -> Usage:
    """Make the counts disjoint.

    The prompt includes what was cached; candidates exclude thoughts, unless the total only adds up without them.
    """
    prompt = counts.prompt_token_count or 0
    tool_input = counts.tool_use_prompt_token_count or 0
    candidates = counts.candidates_token_count or 0
    thoughts = counts.thoughts_token_count or 0
    thoughts_are_inside = counts.total_token_count == prompt + tool_input + candidates
    return disjoint(
        input_total=prompt + tool_input,
        output_total=candidates if thoughts_are_inside else candidates + thoughts,
        cache_read=counts.cached_content_token_count or 0,
        tool_input=tool_input,
        reasoning=thoughts,
        source=source,
    )
