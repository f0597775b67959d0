"""What must stand in the request that reaches a provider, beyond what its simulator refuses: what was asked of it.

By the path that was called, which says the dialect: a new provider of a known dialect needs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable

from google.genai import types

from proxyctl.simulator.gemini_rules import SENTINEL
from tests.clients.simulated import Seen


def asks_for_effort(seen: Seen) -> bool:
    """Whether high effort is asked for, in the provider's own way."""
    return _of(seen, _EFFORTS)(seen)


def brings_proof_back(seen: Seen) -> bool:
    """Whether turns that called tools have the proof of thinking beside the calls that the provider made with them."""
    return _of(seen, _PROOFS)(seen)


def _of(seen: Seen, by_path: dict[str, Callable[[Seen], bool]]) -> Callable[[Seen], bool]:
    return next(check for part, check in by_path.items() if part in seen.path)


def _gemini_effort(seen: Seen) -> bool:
    config = types.GenerateContentConfig.model_validate(seen.body["generationConfig"])
    return config.thinking_config is not None and config.thinking_config.thinking_level == types.ThinkingLevel.HIGH


def _gemini_proof(seen: Seen) -> bool:
    """On the first call of each turn; the stand-in would be taken too, but costs quality."""
    contents = [types.Content.model_validate(content) for content in seen.body["contents"]]
    calls = [[part for part in content.parts or () if part.function_call] for content in contents]
    return SENTINEL.encode() not in seen.raw and all(turn[0].thought_signature for turn in calls if turn)


def _anthropic_proof(seen: Seen) -> bool:
    turns = [turn["content"] for turn in seen.body["messages"] if turn["role"] == "assistant"]
    return all(turn[0]["type"] == "thinking" and turn[0]["signature"] for turn in turns)


def _openai_proof(seen: Seen) -> bool:
    return any(item.get("encrypted_content") for item in seen.body["input"])


def _needs_none(_: Seen) -> bool:
    return True


_EFFORTS: dict[str, Callable[[Seen], bool]] = {
    "enerateContent": _gemini_effort,
    "/messages": lambda seen: seen.body["output_config"]["effort"] == "high",
    "/v2/chat": lambda seen: seen.body["thinking"]["type"] == "enabled",
    "/chat/completions": lambda seen: seen.body["reasoning_effort"] == "high",
    "/responses": lambda seen: seen.body["reasoning"]["effort"] == "high",
}
_PROOFS: dict[str, Callable[[Seen], bool]] = {
    "enerateContent": _gemini_proof,
    "/messages": _anthropic_proof,
    "/v2/chat": _needs_none,
    "/chat/completions": _needs_none,
    "/responses": _openai_proof,
}
