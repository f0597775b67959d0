"""Write an answer as an Anthropic message, or as the events of its stream (wire notes 2026-11)."""

from collections.abc import Iterator
from typing import Any

from proxyctl.simulator.anthropic_turns import sign
from proxyctl.simulator.models import Model
from proxyctl.simulator.reply import encode
from proxyctl.simulator.script import Script

_STOP = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use", "blocked": "refusal"}
Json = dict[str, Any]


class Writer:
    """One answer as a message or as its events."""

    def __init__(self, script: Script, model: Model, identifier: str, shown: bool, cacheable: bool) -> None:
        self.script = script
        self.model = model
        self.id = identifier
        self.shown = shown
        self.cacheable = cacheable

    def whole(self) -> Json:
        return {
            **self._message(self._content()),
            "stop_reason": self._stop_reason(),
            "stop_sequence": self.script.stop_sequence,
            "usage": self._usage(self.script.tally.output),
            **self._refusal(),
        }

    def events(self) -> Iterator[Json]:
        empty = {**self._message([]), "stop_reason": None, "stop_sequence": None, "usage": self._usage(1)}
        yield {"type": "message_start", "message": empty}
        for index, block in enumerate(self._content()):
            yield {"type": "content_block_start", "index": index, "content_block": _opened(block)}
            if index == 0:
                yield {"type": "ping"}
            for delta in self._deltas(block):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        delta = {"stop_reason": self._stop_reason(), "stop_sequence": self.script.stop_sequence, **self._refusal()}
        yield {"type": "message_delta", "delta": delta, "usage": self._usage(self.script.tally.output)}
        yield {"type": "message_stop"}

    def _message(self, content: list[Json]) -> Json:
        return {"id": self.id, "type": "message", "role": "assistant", "model": self.model.id, "content": content}

    def _content(self) -> list[Json]:
        script = self.script
        blocks: list[Json] = []
        if script.thoughts:
            text = script.thinking if self.shown else ""
            blocks.append({"type": "thinking", "thinking": text, "signature": sign(self.model, script.seed)})
        said = script.preamble if script.calls else script.text
        if said:
            blocks.append({"type": "text", "text": said})
        for index, call in enumerate(script.calls):
            name, identifier = call.name, f"toolu_{script.seed[:20]}{index:02d}"
            blocks.append({"type": "tool_use", "id": identifier, "name": name, "input": call.arguments})
        return blocks

    def _deltas(self, block: Json) -> Iterator[Json]:
        match block["type"]:
            case "thinking":
                for piece in self.script.thoughts if self.shown else ():
                    yield {"type": "thinking_delta", "thinking": piece}
                yield {"type": "signature_delta", "signature": block["signature"]}
            case "text":
                for piece in self.script.pieces or (block["text"],):
                    yield {"type": "text_delta", "text": piece}
            case _:
                text = encode(block["input"]).decode() if block["input"] else ""
                half = len(text) // 2
                for fragment in ("", text[:half], text[half:]):
                    yield {"type": "input_json_delta", "partial_json": fragment}

    def _stop_reason(self) -> str:
        return self.script.reason or _STOP.get(self.script.finish, self.script.finish)

    def _refusal(self) -> Json:
        if self.script.finish != "blocked":
            return {}
        return {"stop_details": {"type": "refusal", "category": "cyber", "explanation": "Simulated refusal."}}

    def _usage(self, output: int) -> Json:
        """`input_tokens` leaves the cache out; what is asked to be cached and was not is written."""
        tally = self.script.tally
        whole_blocks = tally.prompt // 1024 * 1024 if self.cacheable else 0
        written = max(whole_blocks - tally.cached, 0)
        return {
            "input_tokens": tally.prompt - tally.cached - written,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": tally.cached,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
            "output_tokens_details": {"thinking_tokens": min(tally.thinking, output)},
            "service_tier": "standard",
        }


def _opened(block: Json) -> Json:
    match block["type"]:
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "text":
            return {"type": "text", "text": ""}
        case _:
            return {**block, "input": {}}
