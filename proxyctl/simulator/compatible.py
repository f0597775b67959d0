"""A generic OpenAI-compatible server, lenient as most of them are: unknown fields are passed over.

It stands for the local servers that `openai-compatible` reaches by configuration alone.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import override

from proxyctl.simulator.beside import Audio, Beside, Embeddings, OpenEmbeddings, Rerank
from proxyctl.simulator.chat_request import ChatRequest, OpenChatRequest
from proxyctl.simulator.chat_style import ChatStyle
from proxyctl.simulator.faults import Fault
from proxyctl.simulator.models import LOCAL, Model
from proxyctl.simulator.reply import Reply, json_reply
from proxyctl.simulator.side_completions import Completions

_TYPES = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
    503: ("server_error", "overloaded"),
}


class Compatible(ChatStyle):
    name = "local"
    base = "/v1"
    models: ClassVar[tuple[Model, ...]] = LOCAL
    request_type: ClassVar[type[ChatRequest]] = OpenChatRequest
    fingerprint = "fp_simulated"
    beside: ClassVar[Mapping[str, Beside]] = {
        "/embeddings": Embeddings({"text-embedding-3-small": 1536, "local-embed": 384}, OpenEmbeddings, tokens=True),
        "/rerank": Rerank(("local-rerank",)),
        "/completions": Completions(),
        "/audio/transcriptions": Audio(("whisper-1",), formats=("json", "text", "verbose_json")),
        "/audio/translations": Audio(("whisper-1",), formats=("json", "text", "verbose_json")),
    }

    @override
    def failure(self, status: int, message: str | None = None, fault: Fault | None = None) -> Reply:
        """`{"error":{"message","type","param","code"}}`."""
        kind, code = _TYPES.get(status, ("server_error" if status >= 500 else "invalid_request_error", None))
        if fault is not None and fault.code is not None:
            kind = code = fault.code
        error = {"message": message or f"Simulated failure {status}.", "type": kind, "param": None, "code": code}
        headers: list[tuple[str, str]] = []
        if fault is not None and fault.retry_after is not None:
            headers = [("retry-after-ms", f"{fault.retry_after * 1000:.0f}"), ("retry-after", f"{fault.retry_after:g}")]
        return json_reply({"error": error}, status=status, headers=tuple(headers))

    @override
    def too_long(self, model: Model, prompt: int) -> Exception:
        text = (
            f"This model's maximum context length is {model.context} tokens. "
            f"However, your messages resulted in {prompt} tokens."
        )
        return self.refuse(400, text, Fault(kind="status", code="context_length_exceeded"))

    @override
    def model_entry(self, model: Model) -> dict[str, Any]:
        return {**super().model_entry(model), "owned_by": "system"}
