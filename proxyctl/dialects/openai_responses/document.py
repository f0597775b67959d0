"""The response object and the items in it, as whole answers and streams alike write them.

Ids are made of the answer's own id and an item's place, so that the same answer read again has the same ones, and each
kind has the prefix that OpenAI checks when the item comes back. A call's `call_id` is the call's; its item id is not.
Source: wire notes 2026-11, "OpenAI" and "conformance cases" 49.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

from proxyctl.core.chat import Citation, FinishReason, Signature
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import AnswerContext, Fields
from proxyctl.dialects.envelope import seal
from proxyctl.dialects.names import fitted_id
from proxyctl.dialects.openai_responses.echo import echoed
from proxyctl.dialects.openai_responses.usage import encode_usage
from proxyctl.dialects.sources import url_citation

ItemKind = Literal["message", "reasoning", "function_call", "custom_tool_call"]

CITATIONS = "output[].content[].annotations"
REDACTED = "redacted:"
"""Begins a sealed value that is no signature but a whole encrypted thinking block of another dialect."""

_RESPONSE = "resp_"
_PLAIN = re.compile(r"[^A-Za-z0-9_-]")
_ID_PREFIXES: dict[ItemKind, str] = {
    "message": "msg_",
    "reasoning": "rs_",
    "function_call": "fc_",
    "custom_tool_call": "ctc_",
}
_INCOMPLETE: dict[FinishReason, str] = {
    "length": "max_output_tokens",
    "context_window": "max_output_tokens",
    "refusal": "content_filter",
}


class ResponseDocument:
    """One response object under way: what stays the same in all of its appearances."""

    def __init__(self, given_id: str, model: str, context: AnswerContext) -> None:
        self.id = response_id(given_id, context)
        self.output: list[Fields] = []
        self._head: Fields = {
            "id": self.id,
            "object": "response",
            "created_at": context.created,
            "model": model or context.model,
        }
        self._echo = echoed(context.asked)

    def item_id(self, kind: ItemKind) -> str:
        """The id of the item that comes next."""
        seed = f"{self.id}\x1f{len(self.output)}".encode("utf-8", "surrogatepass")
        return _ID_PREFIXES[kind] + blake2b(seed, digest_size=20).hexdigest()

    def begun(self) -> Fields:
        return self._of("in_progress", [])

    def ended(self, finish: FinishReason, usage: Usage) -> Fields:
        reason = _INCOMPLETE.get(finish)
        document = self._of("incomplete" if reason else "completed", self.output, usage)
        return document | {"incomplete_details": {"reason": reason}} if reason else document

    def failed(self, error: Fields, usage: Usage | None) -> Fields:
        return self._of("failed", self.output, usage) | {"error": error}

    def _of(self, status: str, output: list[Fields], usage: Usage | None = None) -> Fields:
        return {
            **self._head,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "output": output,
            "usage": None if usage is None else encode_usage(usage),
            **self._echo,
        }


def response_id(given: str, context: AnswerContext) -> str:
    """An id in this dialect's form; one that has it already is kept, and a nameless answer gets one.

    The gateway's own comes before the provider's: by it a caller may go on with the answer.
    """
    if context.answer_id:
        return _RESPONSE + context.answer_id
    if given.startswith(_RESPONSE):
        return given
    plain = _PLAIN.sub("", given)
    if not plain:
        seed = f"{context.created}\x1f{context.model}\x1f{context.input_estimate}"
        plain = blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return _RESPONSE + plain


def ending(finish: FinishReason, losses: Losses) -> Literal["completed", "incomplete"]:
    """What the last item is when the answer ends so."""
    if finish == "pause":
        losses.add("status", "the model paused and expects to be called again: told as completed")
    return "incomplete" if finish in _INCOMPLETE else "completed"


def encrypted(signature: Signature) -> str:
    """What stands in `encrypted_content`: the dialect's own proof as it is, everything else in an envelope."""
    return signature.value if signature.origin == "openai-responses" else seal(signature)


def encrypted_block(data: str) -> str:
    return seal(Signature(REDACTED + data, "anthropic-messages"))


def text_content(text: str, annotations: Sequence[Fields] = ()) -> Fields:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def annotation(citation: Citation, losses: Losses, path: str = CITATIONS) -> Fields | None:
    """`None` for a source that has no such form, which is a loss."""
    members = url_citation(citation, losses, path)
    return None if members is None else {"type": "url_citation", **members}


def refusal_content(text: str) -> Fields:
    return {"type": "refusal", "refusal": text}


def summary_part(text: str) -> Fields:
    return {"type": "summary_text", "text": text}


def call_names(name: str, call_id: str, namespaces: dict[str, tuple[str, str]]) -> Fields:
    """The members that say which tool is called; a tool out of a namespace is given back its two names."""
    if name not in namespaces:
        return {"call_id": fitted_id(call_id), "name": name}
    namespace, own = namespaces[name]
    return {"call_id": fitted_id(call_id), "name": own, "namespace": namespace}
