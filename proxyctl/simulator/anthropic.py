"""Anthropic's Messages API: messages, count_tokens, models (wire notes 2026-11).

Streams follow the full event grammar with pings; every event's name equals its `type`. Thinking is on by default where
the model's row says so, and shows its text only when `display` asks for it.
"""

from typing import Any

import msgspec
from typing_extensions import override

from proxyctl.simulator.anthropic_question import read_question
from proxyctl.simulator.anthropic_rules import VERSIONS, complaints
from proxyctl.simulator.anthropic_shape import misfit
from proxyctl.simulator.anthropic_writer import Writer
from proxyctl.simulator.faults import Fault, Scope
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.models import ANTHROPIC, Model, find
from proxyctl.simulator.provider import SimulatedProvider, accepted, bearer, seed_of
from proxyctl.simulator.reply import EVENT_STREAM, RefusalError, Reply, event_frame, json_reply
from proxyctl.simulator.script import Manner
from proxyctl.simulator.tokens import IMAGE_TOKENS, count_tokens

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_BETA_STARTS = (
    "claude-code-",
    "interleaved-thinking-",
    "context-management-",
    "context-1m-",
    "per-turn-control-",
    "mid-conversation-tool-changes-",
    "thinking-token-count-",
    "thinking-binding-controls-",
    "advanced-tool-use-",
    "effort-",
    "structured-outputs-",
    "redact-thinking-",
    "message-threads-",
    "fine-grained-tool-streaming-",
    "mcp-client-",
    "prompt-caching-2024-07-31",
    "pdfs-2024-09-25",
    "token-counting-2024-11-01",
    "token-efficient-tools-2025-02-19",
    "extended-cache-ttl-2025-04-11",
    "files-api-2025-04-14",
    "skills-2025-10-02",
    "message-batches-2024-09-24",
    "oauth-",
)
_LIMITS = tuple(
    (f"anthropic-ratelimit-{what}-{name}", value)
    for what, limit, left in (
        ("requests", "4000", "3999"),
        ("tokens", "480000", "479000"),
        ("input-tokens", "400000", "399500"),
        ("output-tokens", "80000", "79500"),
    )
    for name, value in (("limit", limit), ("remaining", left), ("reset", "2026-11-24T10:00:01Z"))
)
Json = dict[str, Any]


class Anthropic(SimulatedProvider):
    name = "anthropic"

    @override
    def answer(self, request: HttpRequest, path: str, manner: Manner) -> Reply:
        self._authenticate(request.headers)
        version = request.headers.get("anthropic-version", "")
        if version not in VERSIONS:
            said = f'"{version}" is not a valid version' if version else "header is required"
            raise self.refuse(400, f"anthropic-version: {said}")
        match request.method, path:
            case "POST", "/v1/messages":
                return self._messages(request, manner)
            case "POST", "/v1/messages/count_tokens":
                return self._count(request)
            case "GET", "/v1/models":
                return self._list(request.query)
            case "GET", _ if path.startswith("/v1/models/"):
                return json_reply(_entry(self._known(path.removeprefix("/v1/models/"))))
            case _:
                raise self.refuse(404, f"Not found: {request.method} {path}")

    @override
    def failure(self, status: int, message: str | None = None, fault: Fault | None = None) -> Reply:
        """`{"type":"error","error":{"type","message"},"request_id"}`."""
        error: Json = {
            "type": _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error"),
            "message": message or f"Simulated failure {status}.",
        }
        if fault is not None and fault.code is not None:
            error["details"] = {"error_code": fault.code}
        headers = [("request-id", "req_simulated"), *_LIMITS]
        if fault is not None and fault.retry_after is not None:
            headers.append(("retry-after", f"{fault.retry_after:g}"))
        body = {"type": "error", "error": error, "request_id": "req_simulated"}
        return json_reply(body, status=status, headers=tuple(headers))

    @override
    def error_frame(self, fault: Fault) -> bytes:
        return b"event: error\ndata: %b\n\n" % self.failure(fault.status, fault.message, fault).body

    @override
    def broken_frame(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"ty\n\n'

    @override
    def scope_of(self, request: HttpRequest, path: str) -> Scope:
        return "list" if request.method == "GET" or path.endswith("/count_tokens") else "answer"

    def _authenticate(self, headers: dict[str, str]) -> None:
        key = headers.get("x-api-key") or bearer(headers)
        if not key:
            raise self.refuse(401, "x-api-key header is required")
        if not accepted(key):
            raise self.refuse(401, "invalid x-api-key")

    def _known(self, name: str) -> Model:
        model = find(ANTHROPIC, name)
        if model is None:
            raise self.refuse(404, f"model: {name}")
        return model

    def _list(self, query: dict[str, str]) -> Reply:
        limit = query.get("limit", "20")
        if not limit.isdigit() or not 1 <= int(limit) <= 1000:
            raise self.refuse(400, "limit: Input should be between 1 and 1000")
        ids = [model.id for model in ANTHROPIC]
        after, before = query.get("after_id"), query.get("before_id")
        start = ids.index(after) + 1 if after in ids else 0
        end = ids.index(before) if before in ids else len(ids)
        page = ANTHROPIC[start:end][: int(limit)]
        value = {
            "data": [_entry(model) for model in page],
            "has_more": start + len(page) < end,
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }
        return json_reply(value, headers=(("request-id", "req_simulated"),))

    def _read(self, request: HttpRequest, *, counting: bool) -> tuple[Json, Model]:
        betas = tuple(filter(None, (beta.strip() for beta in request.headers.get("anthropic-beta", "").split(","))))
        unknown = [beta for beta in betas if not beta.startswith(_BETA_STARTS)]
        if unknown:
            raise self.refuse(400, f"Unexpected value(s) `{'`, `'.join(unknown)}` for the `anthropic-beta` header.")
        try:
            body = msgspec.json.decode(request.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise self.refuse(400, f"The request body is not valid JSON: {exc}") from None
        if (said := misfit(body)) is not None:
            raise self.refuse(400, said)
        model = self._known(body["model"])
        if "thread" in body and any(beta.startswith("message-threads-") for beta in betas):
            raise self._no_threads()
        version = request.headers["anthropic-version"]
        for said in complaints(body, model, version, betas, counting=counting):
            raise self.refuse(400, said)
        return body, model

    def _no_threads(self) -> RefusalError:
        """No conversation is kept here; the SDK sends the whole history when it is told so."""
        error = {
            "type": "invalid_request_error",
            "message": "thread: not supported",
            "details": {"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
        }
        return RefusalError(json_reply({"type": "error", "error": error, "request_id": "req_simulated"}, status=400))

    def _count(self, request: HttpRequest) -> Reply:
        body, model = self._read(request, counting=True)
        question = read_question(body, model, "")
        return json_reply({"input_tokens": count_tokens(question.prompt) + IMAGE_TOKENS * len(question.images)})

    def _messages(self, request: HttpRequest, manner: Manner) -> Reply:
        body, model = self._read(request, counting=False)
        question = read_question(body, model, seed_of(request.body))
        cacheable = b'"cache_control"' in request.body
        script = self.compose(question, manner, cached=None if cacheable else 0)
        if script.tally.prompt > model.context:
            raise self.refuse(400, f"prompt is too long: {script.tally.prompt} tokens > {model.context} maximum")
        display = (body.get("thinking") or {}).get("display")
        shown = display == "summarized" or (display is None and model.generation < 4.7)
        writer = Writer(script, model, f"msg_{self.next_id(script.seed)}", shown, cacheable)
        headers = (("request-id", f"req_{script.seed[:20]}"), ("anthropic-organization-id", "org-simulated"), *_LIMITS)
        if body.get("stream"):
            frames = tuple(event_frame(event["type"], event) for event in writer.events())
            return Reply(200, (*EVENT_STREAM, *headers), frames=frames, tally=script.tally, model=model.id)
        return json_reply(writer.whole(), headers=headers, tally=script.tally, model=model.id)


def _entry(model: Model) -> Json:
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.display,
        "created_at": "2026-09-01T00:00:00Z",
        "max_input_tokens": model.context,
        "max_tokens": model.output,
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": None,
        "capabilities": _capabilities(model),
    }


def _capabilities(model: Model) -> Json:
    yes, no = {"supported": True}, {"supported": False}
    thinks = ("adaptive", "between_tools", "disabled", "enabled")
    tools = ("code_execution", "web_search")
    return {
        "batch": yes,
        "citations": yes,
        "code_execution": no,
        "context_management": no,
        "effort": {**yes, **dict.fromkeys(("low", "medium", "high", "xhigh", "max"), yes)},
        "image_input": yes,
        "pdf_input": yes,
        "server_tools": {**no, **dict.fromkeys(tools, no)},
        "structured_outputs": yes,
        "thinking": {**yes, "types": {kind: {"supported": kind in model.thinking} for kind in thinks}},
    }
