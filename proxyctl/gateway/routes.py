"""Where requests go: a path, and where it does not say enough the headers and the query, to a dialect.

Fixed paths are one look into a table. Gemini's paths hold the model and what to do with it, split at the last colon
because names may hold slashes and colons (the server has undone percent-encoding). A path that serves nothing still has
a dialect: its refusal must be readable. Source: wire notes 2026-11, "which dialect is this request".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

from proxyctl.core.chat import DialectName
from proxyctl.dialects.base import InboundDialect
from proxyctl.dialects.registry import INBOUND
from proxyctl.gateway.inbound import Address, ClientHeaders

_CHAT: DialectName = "openai-chat"
_MESSAGES: DialectName = "anthropic-messages"
_RESPONSES: DialectName = "openai-responses"
_GENERATE: DialectName = "gemini-generate"

_FIXED: Mapping[str, DialectName] = {
    "/v1/chat/completions": _CHAT,
    "/chat/completions": _CHAT,
    "/v1/responses": _RESPONSES,
    "/responses": _RESPONSES,
    "/v1/messages": _MESSAGES,
    "/messages": _MESSAGES,
    "/anthropic/v1/messages": _MESSAGES,
    "/anthropic/messages": _MESSAGES,
}
_VERSIONED = ("/v1beta/", "/v1/", "/v1alpha/")
_VERBS: Mapping[str, bool] = {"generateContent": False, "streamGenerateContent": True}
"""What can be done with a model in a path, and whether the answer streams."""
_SIDE_VERBS = frozenset({"countTokens", "embedContent", "batchEmbedContents"})
"""What else can be asked of one: the side endpoints know what."""
HELLO = "/api/hello"
"""Claude Code asks for it before its first request, to see whether anybody is there (seen 2026-11)."""
_MODEL_LISTS = (
    "/v1/models",
    "/models",
    "/anthropic/v1/models",
    "/anthropic/models",
    "/v1beta/models",
    "/v1alpha/models",
)


class Route(NamedTuple):
    """Where a request goes. `serves` is false where no conversation is; `as_array`: a stream without event framing.

    `verb` is what a path asks of a model beside a conversation, `""` when nothing of the kind.
    """

    dialect: InboundDialect
    serves: bool = True
    address: Address | None = None
    as_array: bool = False
    verb: str = ""


_ROUTES = {path: Route(INBOUND[name]) for path, name in _FIXED.items()}


def resolve(path: str, headers: ClientHeaders, query: bytes) -> Route:
    """The route of a request; `path` is decoded."""
    route = _ROUTES.get(path)
    if route is not None:
        return route
    verb, address = _addressed(path)
    if address is None:
        return Route(INBOUND[_GENERATE if verb else _guess(path, headers, query)], serves=False)
    if verb in _SIDE_VERBS:
        return Route(INBOUND[_GENERATE], serves=False, address=address, verb=verb)
    return Route(INBOUND[_GENERATE], address=address, as_array=address.stream and not _wants_events(query))


def model_list_at(path: str) -> str | None:
    """The list of models that a path is, or is a member of."""
    return next((base for base in _MODEL_LISTS if path == base or path.startswith(base + "/")), None)


def _addressed(path: str) -> tuple[str, Address | None]:
    """The verb and the model in a path such as `/v1beta/models/groq:llama-3.3-70b:generateContent`.

    A model with a slash in its name may stand without `models/`: Google's tuned ones do, and the AI SDK writes all so.
    A verb without an address is asked of no model.
    """
    named, colon, verb = path.rpartition(":")
    if not colon or (verb not in _VERBS and verb not in _SIDE_VERBS):
        return "", None
    version = next((prefix for prefix in _VERSIONED if named.startswith(prefix)), None)
    if version is None:
        return verb, None
    name = named.removeprefix(version)
    model = name.removeprefix("models/")
    if not model.strip() or (model == name and "/" not in name):
        return verb, None
    return verb, Address(model, _VERBS.get(verb, False))


def _wants_events(query: bytes) -> bool:
    """Whether a stream is asked for as server-sent events; Google's own default is one JSON array."""
    if b"alt" not in query:
        return False
    asked = parse_qs(query.decode("latin-1"))
    return "sse" in (*asked.get("alt", ()), *asked.get("$alt", ()))


def _guess(path: str, headers: ClientHeaders, query: bytes) -> DialectName:
    """The dialect of a caller whose path does not say: Anthropic's clients always send their version."""
    if path.startswith("/anthropic/") or b"anthropic-version" in headers:
        return _MESSAGES
    if path.startswith(("/v1beta/", "/v1alpha/")) or b"x-goog-api-key" in headers or b"x-goog-api-client" in headers:
        return _GENERATE
    if query and "key" in parse_qs(query.decode("latin-1")):
        return _GENERATE
    return _CHAT
