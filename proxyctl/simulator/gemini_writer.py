"""Write an answer as a Gemini response, or as the chunks of its stream (wire notes 2026-11)."""

from collections.abc import Iterator
from typing import Any

from proxyctl.simulator.gemini_pause import CONTINUATION
from proxyctl.simulator.gemini_rules import sign
from proxyctl.simulator.models import Model
from proxyctl.simulator.script import Script

_FINISH = {"stop": "STOP", "stop_sequence": "STOP", "tool": "STOP", "length": "MAX_TOKENS", "blocked": "SAFETY"}
Json = dict[str, Any]


class Writer:
    """One answer in Gemini's words."""

    def __init__(self, script: Script, model: Model, identifier: str, thoughts_shown: bool) -> None:
        self.script = script
        self.model = model
        self.id = identifier
        self.signature = sign(model, script.seed) if model.generation >= 3 else None
        self.thoughts = script.thoughts if thoughts_shown else ()
        self.token = f"continue-{identifier}"

    def whole(self) -> Json:
        if self.script.finish == "blocked":
            return self._blocked()
        parts: list[Json] = [{"text": "".join(self.thoughts), "thought": True}] if self.thoughts else []
        if self.script.text:
            parts.append(self._signed({"text": self.script.text}))
        parts += self._calls()
        return self._response(parts, finish=True, output=self.script.tally.output - self.script.tally.thinking)

    def chunks(self) -> Iterator[Json]:
        if self.script.finish == "blocked":
            yield self._blocked()
            return
        said = 0
        for piece in self.thoughts:
            yield self._response([{"text": piece, "thought": True}], finish=False, output=0)
        for piece in self.script.pieces:
            said += len(piece)
            yield self._response([{"text": piece}], finish=False, output=said // 4)
        calls = self._calls()
        output = self.script.tally.output - self.script.tally.thinking
        if calls:
            yield self._response(calls, finish=False, output=output)
            yield self._response([{"text": ""}], finish=True, output=output)
        else:
            yield self._response([self._signed({"text": ""})], finish=True, output=output)

    def _calls(self) -> list[Json]:
        parts: list[Json] = []
        for index, call in enumerate(self.script.calls):
            function: Json = {"name": call.name, "args": call.arguments}
            if self.model.generation >= 3:
                function = {"id": f"{self.script.seed[:12]}{index}", **function}
            # Of a parallel batch, only the first call is signed.
            parts.append(self._signed({"functionCall": function}) if index == 0 else {"functionCall": function})
        return parts

    def _signed(self, part: Json) -> Json:
        return part if self.signature is None else {**part, "thoughtSignature": self.signature}

    def _response(self, parts: list[Json], *, finish: bool, output: int) -> Json:
        candidate: Json = {"content": {"role": "model", **({"parts": parts} if parts else {})}, "index": 0}
        if finish:
            candidate["finishReason"] = self.script.reason or _FINISH[self.script.finish]
        if self.script.reason and not self.script.pieces:
            del candidate["content"]
        if finish and self.script.reason == CONTINUATION:
            candidate["continuationToken"] = self.token
        return {"candidates": [candidate], **self._envelope(output)}

    def _blocked(self) -> Json:
        return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, **self._envelope(0)}

    def _envelope(self, output: int) -> Json:
        tally = self.script.tally
        usage: Json = {
            "promptTokenCount": tally.prompt,
            "totalTokenCount": tally.prompt + output + tally.thinking,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tally.prompt}],
        }
        # Proto-JSON leaves zeros out.
        for name, value in (
            ("candidatesTokenCount", output),
            ("cachedContentTokenCount", tally.cached),
            ("thoughtsTokenCount", tally.thinking),
        ):
            if value:
                usage[name] = value
        return {"usageMetadata": usage, "modelVersion": self.model.id, "responseId": self.id}
