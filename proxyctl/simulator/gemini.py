"""Gemini's Generative Language API: models, generateContent, streamGenerateContent, countTokens (wire notes 2026-11).

The v1 and v1beta prefixes have one shape; `-latest` aliases exist on v1beta only. Usage stands, cumulative, on every
chunk of a stream, and a tool call's finish reason comes in a chunk of its own with an empty text.
"""

from typing import Any

import msgspec
from typing_extensions import override

from proxyctl.simulator import side_gemini
from proxyctl.simulator.faults import Fault, Scope
from proxyctl.simulator.gemini_grammar import GrammarError, normalise
from proxyctl.simulator.gemini_pause import CONTINUATION, Pause, piece_of
from proxyctl.simulator.gemini_question import read_question, thinks
from proxyctl.simulator.gemini_rules import complaints
from proxyctl.simulator.gemini_writer import Writer
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.models import GEMINI, Model, find
from proxyctl.simulator.provider import SimulatedProvider, accepted, seed_of
from proxyctl.simulator.reply import EVENT_STREAM, JSON_TYPE, RefusalError, Reply, data_frame, encode, json_reply
from proxyctl.simulator.script import Manner
from proxyctl.simulator.tokens import IMAGE_TOKENS, count_tokens

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
Json = dict[str, Any]


class Gemini(SimulatedProvider):
    name = "gemini"

    def __init__(self) -> None:
        super().__init__()
        self._paused: dict[str, Pause] = {}

    @override
    def clear(self) -> None:
        super().clear()
        self._paused.clear()

    @override
    def answer(self, request: HttpRequest, path: str, manner: Manner) -> Reply:
        self._authenticate(request)
        _, version, rest = (*path.split("/", 2), "", "")[:3]
        if version not in {"v1", "v1beta"} or not (rest == "models" or rest.startswith("models/")):
            raise self.refuse(404, f"The requested URL {path} was not found on this server.")
        name, _, verb = rest.removeprefix("models").lstrip("/").rpartition(":")
        if request.method == "GET":
            return self._models(request, rest.removeprefix("models").lstrip("/"), version)
        model = self._known(name, version, verb)
        match verb:
            case "generateContent":
                return self._generate(request, model, name, manner, streamed=False)
            case "streamGenerateContent":
                return self._generate(request, model, name, manner, streamed=True)
            case "countTokens":
                return self._count(request)
            case "embedContent":
                return side_gemini.embed(self, request, model)
            case "batchEmbedContents":
                return side_gemini.embed_batch(self, request, model)
            case _:
                raise self.refuse(404, f"Method {verb} is not known.")

    @override
    def failure(self, status: int, message: str | None = None, fault: Fault | None = None) -> Reply:
        """`{"error":{"code","message","status","details"}}`; waits are told in RetryInfo, never in a header."""
        error: Json = {
            "code": status,
            "message": message or f"Simulated failure {status}.",
            "status": _STATUS.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION"),
        }
        if status == 429:
            error["details"] = _quota(fault)
        return json_reply({"error": error}, status=status)

    @override
    def scope_of(self, request: HttpRequest, path: str) -> Scope:
        return "list" if request.method == "GET" or path.endswith(":countTokens") else "answer"

    @override
    def model_of(self, request: HttpRequest, path: str) -> str | None:
        del request
        return path.rpartition("models/")[2].rpartition(":")[0] or None

    def _authenticate(self, request: HttpRequest) -> None:
        key = request.headers.get("x-goog-api-key") or request.query.get("key", "")
        if not key and "authorization" in request.headers:
            raise self.refuse(401, "Request had invalid authentication credentials. Expected OAuth 2 access token.")
        if not key:
            raise self.refuse(403, "Method doesn't allow unregistered callers. Please use API Key.")
        if not accepted(key):
            info = {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            }
            error = {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
                "details": [info],
            }
            raise RefusalError(json_reply({"error": error}, status=400))

    def _known(self, name: str, version: str, verb: str) -> Model:
        model = find(GEMINI, name)
        if (
            model is None
            or (version == "v1" and name in model.aliases)
            or ("embedding" in model.flags) != ("mbedContent" in verb)
        ):
            raise self.refuse(
                404,
                f"models/{name} is not found for API version {version}, or is not supported for {verb}. "
                "Call ListModels to see the list of available models and their supported methods.",
            )
        return model

    def _models(self, request: HttpRequest, name: str, version: str) -> Reply:
        if name:
            model = find(GEMINI, name)
            if model is None:
                raise self.refuse(404, f"Model is not found: models/{name} for api version {version}")
            return json_reply(_entry(model))
        size = request.query.get("pageSize", request.query.get("page_size", "50"))
        token = request.query.get("pageToken", request.query.get("page_token", "")) or "0"
        if not size.isdigit() or not token.isdigit():
            raise self.refuse(400, "Invalid page token or page size.")
        start, end = int(token), int(token) + max(int(size), 1)
        value: Json = {"models": [_entry(model) for model in GEMINI[start:end]]}
        if end < len(GEMINI):
            value["nextPageToken"] = str(end)
        return json_reply(value)

    def _read(self, body: bytes, message: str) -> Json:
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self.refuse(400, "Invalid JSON payload received. Unexpected token.") from None
        try:
            return normalise(message, value)
        except GrammarError as exc:
            raise self.refuse(400, str(exc)) from None

    def _begin_of(self, token: str | None, asked: str) -> int:
        """Where in the answer to go on: a token is good for the very request that it was given for."""
        if token is None:
            return 0
        pause = self._paused.get(token)
        if pause is None:
            raise self.refuse(400, "Invalid continuation token.")
        if pause.asked != asked:
            raise self.refuse(400, "The continuation token was given for another request.")
        return pause.begin

    def _count(self, raw: HttpRequest) -> Reply:
        request = self._read(raw.body, "CountRequest")
        whole = request.get("generateContentRequest") or request
        question = read_question(whole, "", "", thinks=False)
        return json_reply({"totalTokens": count_tokens(question.prompt) + IMAGE_TOKENS * len(question.images)})

    def _generate(self, raw: HttpRequest, model: Model, name: str, manner: Manner, *, streamed: bool) -> Reply:
        request = self._read(raw.body, "Request")
        for said in complaints(request, model):
            raise self.refuse(400, said)
        config = request.get("generationConfig") or {}
        pauses = manner.reason == CONTINUATION
        if pauses:
            manner = Manner(words=manner.words)
        token = request.pop("continuationToken", None)
        asked = seed_of(encode([name, request]))
        begin = self._begin_of(token, asked)
        script = self.compose(read_question(request, name, asked, thinks=thinks(config, model)), manner)
        if script.tally.prompt > model.context:
            said = f"The input token count ({script.tally.prompt}) exceeds the maximum allowed ({model.context})."
            raise self.refuse(400, said)
        if pauses or begin:
            script = piece_of(script, begin, pauses=pauses)
        shown = bool((config.get("thinkingConfig") or {}).get("includeThoughts"))
        writer = Writer(script, model, self.next_id(script.seed), shown)
        if pauses:
            self._paused[writer.token] = Pause(asked, begin + len(script.pieces))
        if not streamed:
            return json_reply(writer.whole(), tally=script.tally, model=name)
        chunks = list(writer.chunks())
        headers: tuple[tuple[str, str], ...] = EVENT_STREAM
        if "sse" in {raw.query.get("alt"), raw.query.get("$alt")}:
            frames = [data_frame(chunk) for chunk in chunks]
        else:
            headers = (JSON_TYPE,)
            frames = [(b",\r\n" if index else b"[") + encode(chunk) for index, chunk in enumerate(chunks)]
            frames.append(b"]")
        return Reply(status=200, headers=headers, frames=tuple(frames), tally=script.tally, model=name)


def _quota(fault: Fault | None) -> list[Json]:
    daily = fault is not None and fault.code is not None and "Day" in fault.code
    quota = (
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier" if daily else "GenerateRequestsPerMinutePerProjectPerModel"
    )
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_requests",
        "quotaId": quota,
        "quotaDimensions": {"location": "global", "model": "simulated"},
        "quotaValue": "10",
    }
    seconds = fault.retry_after if fault is not None and fault.retry_after is not None else 1
    return [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds:g}s"},
    ]


def _entry(model: Model) -> Json:
    embeds = "embedding" in model.flags
    return {
        "name": f"models/{model.id}",
        "version": "simulated",
        "displayName": model.display,
        "inputTokenLimit": model.context,
        "outputTokenLimit": model.output,
        "supportedGenerationMethods": ["embedContent"] if embeds else ["generateContent", "countTokens"],
        "temperature": 1,
        "maxTemperature": 2,
        "topP": 0.95,
        "topK": 64,
        "thinking": model.budget is not None or bool(model.thinking),
    }
