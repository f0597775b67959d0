"""Mend a request that its provider refused, for one try more: what the refusal names is left out, as a loss.

A refusal may name values of a header, fields of the body, or the proof of earlier thinking. Each of the three is mended
once for a target, in both lanes. What the request asks, the conversation, and the form that its answer has, is never
touched: a caller that cannot have that is better off with the refusal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Raw, Struct
from msgspec.structs import replace

from proxyctl.core.errors import Problem
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields, UpstreamDialect, decode_fields, encode_json
from proxyctl.dialects.refused import refused_fields, refuses_thinking
from proxyctl.providers._base import Provider

_CONVERSATION = frozenset(
    {"model", "models", "messages", "contents", "input", "prompt", "tools", "stream", "system", "instructions"}
    | {"system_instruction", "systemInstruction", "cached_content", "cachedContent"}
    | {"previous_response_id", "conversation", "thread"}
)
_LIMITS = frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens", "max_tool_calls", "generationConfig"})
_FORM = frozenset({"n", "response_format", "text", "output_config", "output_format", "modalities", "background"})
_KEPT = _CONVERSATION | _LIMITS | _FORM
"""Fields without which the answer would be to another question, of another length, or in another form."""


class Mends(Struct, frozen=True):
    """What is left out of a request on its way to one target. `header` is a name and the values to leave out of it."""

    header: tuple[bytes, frozenset[bytes]] | None = None
    fields: frozenset[str] = frozenset()
    thinking: bool = False

    def headers(self, client: Mapping[bytes, bytes], losses: Losses) -> Mapping[bytes, bytes]:
        """The caller's headers without the refused values; `client` is empty in the translate lane."""
        if self.header is None or self.header[0] not in client:
            return client
        name, refused = self.header
        for value in sorted(refused):
            losses.add(f"{name.decode()}: {value.decode('latin-1')}", "the provider does not know this value")
        kept = [value for value in client[name].split(b",") if value.strip() not in refused]
        return {**client, name: b",".join(kept)}

    def proven(self, fields: Fields, dialect: UpstreamDialect, losses: Losses) -> Fields:
        """A body, not yet adapted to its provider, without the thinking that could not be proven there."""
        name = dialect.conversation
        if not self.thinking or name not in fields:
            return fields
        written = fields[name]
        conversation = written if isinstance(written, Raw) else Raw(encode_json(written))
        return {**fields, name: dialect.without_thinking(conversation, losses)}

    def taken(self, fields: Fields, losses: Losses, *, unasked: Collection[str]) -> Fields:
        """A body in its provider's words without the fields that it refused; `unasked` are those of our own."""
        if not self.fields:
            return fields
        for name in sorted(self.fields.intersection(fields).difference(unasked)):
            losses.add(name, "the provider refuses it")
        return {name: value for name, value in fields.items() if name not in self.fields}


UNMENDED = Mends()


def mended(
    mends: Mends,
    problem: Problem,
    provider: Provider,
    dialect: UpstreamDialect,
    *,
    body: bytes,
    headers: Mapping[bytes, bytes],
) -> Mends | None:
    """What to leave out as well after this refusal; `None` when it names nothing that may be.

    `body` is the refused one, in `dialect`; `headers` are the caller's.
    """
    if problem.kind != "bad_request":
        return None
    refused = None if mends.header else provider.refused_values(headers, problem)
    if refused is not None:
        return replace(mends, header=refused)
    sent = decode_fields(body).keys()
    if not mends.thinking and dialect.conversation in sent and refuses_thinking(problem):
        return replace(mends, thinking=True)
    fields = frozenset() if mends.fields else refused_fields(problem)
    if fields and _KEPT.isdisjoint(fields) and fields.issubset(sent):
        return replace(mends, fields=fields)
    return None
