"""What a request needs of a model, against what is known of the model. What is unknown is never held against it.

Two classes of need. Without tools, images or documents the answer would be to another question: a model known to lack
them is left out. Thinking, a JSON schema, the prompt's size and the answer's length are asked for too, but a model
without them still answers (and the loss is announced): it is left out only while another one has what is asked for.
"""

from __future__ import annotations

from msgspec import Struct

from proxyctl.core.exchange import Peek

BYTES_PER_TOKEN = 6
"""A body of this many bytes a token is certainly larger than the context: real text has 3 to 5."""


class ModelFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of one model of one provider. `None`: nobody said. Sizes are in tokens."""

    context: int | None = None
    max_output: int | None = None
    tools: bool | None = None
    images: bool | None = None
    documents: bool | None = None
    thinking: bool | None = None
    json_schema: bool | None = None


UNKNOWN = ModelFacts()


def inability(peek: Peek, facts: ModelFacts) -> str:
    """Why the model cannot serve the request at all, `""` when nothing is known against it."""
    if peek.has_tools and facts.tools is False:
        return "takes no tools"
    if peek.has_images and facts.images is False:
        return "takes no images"
    if peek.has_documents and facts.documents is False:
        return "takes no documents"
    return ""


def shortfall(peek: Peek, facts: ModelFacts) -> str:
    """What the model would leave undone, `""` when nothing is known against it."""
    if peek.wants_thinking and facts.thinking is False:
        return "does not think"
    if peek.wants_json_schema and facts.json_schema is False:
        return "takes no JSON schema"
    if peek.max_output is not None and facts.max_output is not None and peek.max_output > facts.max_output:
        return f"answers with at most {facts.max_output} tokens"
    is_text = not (peek.has_images or peek.has_documents)
    if is_text and facts.context is not None and peek.size > facts.context * BYTES_PER_TOKEN:
        return f"reads at most {facts.context} tokens"
    return ""
