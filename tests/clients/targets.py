"""Who is called in these tests, by which model, and the tool, the image and the schema that all of them are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from typing_extensions import override

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL_NAME = "get_weather"
ARGUMENTS = {"city": "Lisbon", "days": 1}
"""What the simulator fills in when it is asked about Lisbon."""

ONE_CALL = "Weather in Lisbon"
TWO_CALLS = "Weather in Porto, and in parallel in Lisbon"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass(frozen=True)
class Target:
    """A provider, and which of its models can do what."""

    provider: str
    plain: str
    sees: str
    thinks: str
    structured: str
    translated: bool

    @override
    def __str__(self) -> str:
        return self.provider

    def named(self, model: str) -> str:
        return f"{self.provider}:{model}"


def _one(provider: str, model: str, *, translated: bool = False, **other: str) -> Target:
    models = {role: other.get(role, model) for role in ("sees", "thinks", "structured")}
    return Target(provider, plain=model, translated=translated, **models)


TARGETS = (
    _one("gemini", "gemini-3.8-flash", translated=True),
    _one("anthropic", "claude-sonnet-5-5", translated=True),
    _one(
        "groq",
        "llama-3.3-70b-versatile",
        sees="meta-llama/llama-4-maverick-17b-128e-instruct",
        thinks="openai/gpt-oss-120b",
        structured="openai/gpt-oss-120b",
    ),
    _one("together", "Qwen/Qwen3.8-Flash", thinks="moonshotai/Kimi-K3.1-Pro"),
    _one("openai", "gpt-6.1-sol", structured="gpt-5.4-mini"),
    _one("cohere", "command-a-plus-05-2026", translated=True),
    _one("mistral", "mistral-large-4"),
    _one("local", "gpt-4.1", thinks="local-reasoner"),
)
"""`translated` for a caller of OpenAI's chat."""

EMBEDDERS = {
    "gemini": ("gemini-embedding-001", 3072),
    "cohere": ("embed-v4.0", 1536),
    "mistral": ("mistral-embed", 1024),
    "together": ("intfloat/multilingual-e5-large-instruct", 1024),
    "groq": ("nomic-embed-text-v1_5", 768),
    "openai": ("text-embedding-3-small", 1536),
    "local": ("text-embedding-3-small", 1536),
}
"""A model that embeds at each provider that has one, and the length of its vectors."""
