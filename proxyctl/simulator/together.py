"""Together AI: lenient about fields, peculiar about types, lists its models as a bare array (wire notes 2026-11)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import override

from proxyctl.simulator.beside import Audio, Beside, Embeddings, EmbeddingsRequest, Rerank
from proxyctl.simulator.chat_request import ChatRequest
from proxyctl.simulator.chat_style import Answer, ChatStyle
from proxyctl.simulator.faults import Fault
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.models import TOGETHER, Model
from proxyctl.simulator.reply import Reply, json_reply
from proxyctl.simulator.script import Manner, Script
from proxyctl.simulator.side_completions import Completions
from proxyctl.simulator.tokens import Tally

_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    402: "credit_limit",
    403: "invalid_request_error",
    404: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit",
    503: "overloaded",
}
_LIMITS = (
    ("x-ratelimit-limit", "10"),
    ("x-ratelimit-remaining", "9"),
    ("x-ratelimit-reset", "1"),
    ("x-tokenlimit-limit", "33333"),
    ("x-tokenlimit-remaining", "33000"),
)


class TogetherRequest(ChatRequest, frozen=True, kw_only=True):
    """Unknown fields are ignored; `stop` must be a list and `logprobs` a number."""

    stop: list[str] | None = None
    logprobs: int | None = None
    reasoning: dict[str, Any] | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None


class Together(ChatStyle):
    name = "together"
    base = "/v1"
    models: ClassVar[tuple[Model, ...]] = TOGETHER
    request_type: ClassVar[type[ChatRequest]] = TogetherRequest
    reasoning_field = "reasoning"
    beside: ClassVar[Mapping[str, Beside]] = {
        "/embeddings": Embeddings({"intfloat/multilingual-e5-large-instruct": 1024}, EmbeddingsRequest),
        "/rerank": Rerank(("Salesforce/Llama-Rank-V1",)),
        "/completions": Completions(usage_always=True),
        "/audio/transcriptions": Audio(("openai/whisper-large-v3",), formats=("json", "verbose_json")),
        "/audio/translations": Audio(("openai/whisper-large-v3",), formats=("json", "verbose_json")),
    }

    @override
    def answer(self, request: HttpRequest, path: str, manner: Manner) -> Reply:
        if request.method == "GET" and path == "/v2/supported-models":  # what the provider's own SDK lists
            self.authenticate(request)
            return json_reply({"data": [_supported(model) for model in self.models], "next_cursor": None})
        return super().answer(request, path, manner)

    @override
    def failure(self, status: int, message: str | None = None, fault: Fault | None = None) -> Reply:
        """`{"id","error":{"message","type","param","code"}}`."""
        code = fault.code if fault is not None else None
        if code is None:
            code = {401: "invalid_api_key", 404: "model_not_available"}.get(status)
        text = message or f"Simulated failure {status}."
        error = {"message": text, "type": _TYPES.get(status, "server_error"), "param": None, "code": code}
        headers = list(_LIMITS)
        if fault is not None and fault.retry_after is not None:
            headers.append(("retry-after", f"{fault.retry_after:g}"))
        return json_reply({"id": "simulated", "error": error}, status=status, headers=tuple(headers))

    @override
    def no_model(self, name: str) -> Exception:
        return self.refuse(
            404, f"Unable to access model {name}. Please visit the models page to view the list of supported models."
        )

    @override
    def too_long(self, model: Model, prompt: int) -> Exception:
        """403, of all statuses, is what "too many tokens" means here."""
        return self.refuse(403, _too_many(model, prompt, 0))

    @override
    def check(self, request: ChatRequest, model: Model) -> None:
        if not request.messages:
            raise self.refuse(400, "messages must not be empty")
        # Input is not counted yet here; the limit alone may already be more than the context.
        if (request.limit or 0) > model.context:
            raise self.refuse(403, _too_many(model, 0, request.limit or 0))

    @override
    def thinks(self, request: ChatRequest, model: Model) -> bool:
        if not isinstance(request, TogetherRequest):
            raise TypeError(request)
        if request.reasoning is not None and model.thinking:
            return bool(request.reasoning.get("enabled"))
        return super().thinks(request, model)

    @override
    def model_list(self) -> Reply:
        return json_reply([self.model_entry(model) for model in self.models])

    @override
    def model_entry(self, model: Model) -> dict[str, Any]:
        return {
            "id": model.id,
            "object": "model",
            "created": 0,
            "type": "chat",
            "running": False,
            "display_name": model.display,
            "organization": model.id.split("/")[0],
            "link": "",
            "license": "",
            "context_length": model.context,
            "config": {"chat_template": None, "stop": ["<|end|>"], "bos_token": None, "eos_token": "<|end|>"},
            "pricing": {"hourly": 0, "input": 1, "output": 1, "base": 0, "finetune": 0},
        }

    @override
    def usage(self, tally: Tally) -> dict[str, Any]:
        return {
            "prompt_tokens": tally.prompt,
            "completion_tokens": tally.output,
            "total_tokens": tally.total,
            "cached_tokens": tally.cached,
        }

    @override
    def finish_reason(self, script: Script) -> str:
        """A natural end is `eos`; `stop` is a stop sequence."""
        return "eos" if script.finish == "stop" and not script.reason else super().finish_reason(script)

    @override
    def extras(self, answer: Answer) -> dict[str, Any]:
        del answer
        return {"prompt": [], "warnings": []}

    @override
    def headers(self, answer: Answer) -> tuple[tuple[str, str], ...]:
        return (*super().headers(answer), *_LIMITS)

    @override
    def decorate(self, answer: Answer, chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Usage always, in the last chunk; a token id in each delta; indexes that are floats."""
        for chunk in chunks:
            choice = chunk["choices"][0]
            choice["seed"] = None
            choice["delta"] = {"token_id": None, **choice["delta"]}
            for call in choice["delta"].get("tool_calls", ()):
                call["index"] = float(call["index"])
            chunk["usage"] = None
        chunks[-1]["usage"] = self.usage(answer.script.tally)
        return chunks


def _supported(model: Model) -> dict[str, Any]:
    """An entry of the newer catalogue, in camelCase."""
    return {
        "id": model.id,
        "name": model.id,
        "baseModel": model.id,
        "baseModelId": model.id,
        "capabilities": ["CAPABILITY_CHAT"],
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "deploymentProfiles": [],
        "displayName": model.display,
        "displayType": "chat",
        "inputModalities": ["MODALITY_TEXT"],
        "outputModalities": ["MODALITY_TEXT"],
        "products": ["PRODUCT_SERVERLESS"],
        "publisher": model.id.split("/")[0],
        "status": "SUPPORTED_MODEL_STATUS_SUPPORTED",
        "contextLength": str(model.context),
    }


def _too_many(model: Model, prompt: int, limit: int) -> str:
    return (
        f"Input validation error: `inputs` tokens + `max_new_tokens` must be <= {model.context}. "
        f"Given: {prompt} `inputs` tokens and {limit} `max_new_tokens`"
    )
