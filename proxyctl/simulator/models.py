"""The models that the simulator serves, as data: real ids and the facts that its rules need (wire notes 2026-11).

A model that is not listed is answered with the provider's "not found". Keep one row a model; rules live with the
provider that enforces them.
"""

import msgspec


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """`context` and `output` are token limits. `generation` orders a family's rules (0: no rule asks).

    `thinking` holds what may be asked for: levels for Gemini, types for Anthropic, efforts for the others. `budget` is
    the range of thinking tokens on models that are steered by a number. `flags` name single peculiarities.
    """

    id: str
    context: int = 131_072
    output: int = 32_768
    generation: float = 0
    thinking: tuple[str, ...] = ()
    thinks_by_default: bool = False
    budget: tuple[int, int] | None = None
    flags: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()

    @property
    def display(self) -> str:
        return self.id.rsplit("/", 1)[-1].replace("-", " ").title()


_LEVELS = ("LOW", "MEDIUM", "HIGH")
_ALL_LEVELS = ("MINIMAL", *_LEVELS)


def _gemini(name: str, generation: float, levels: tuple[str, ...], *flags: str, aliases: tuple[str, ...] = ()) -> Model:
    return Model(
        id=name,
        context=1_048_576,
        output=65_536,
        generation=generation,
        thinking=levels,
        thinks_by_default=True,
        flags=frozenset(flags),
        aliases=aliases,
    )


def _gemini_25(name: str, budget: tuple[int, int], *flags: str) -> Model:
    return Model(
        id=name,
        context=1_048_576,
        output=65_536,
        generation=2.5,
        thinks_by_default="no-default-thinking" not in flags,
        budget=budget,
        flags=frozenset(flags),
    )


GEMINI = (
    _gemini("gemini-4-argon", 4, _LEVELS),
    _gemini("gemini-3.8-flash", 3.8, _LEVELS, aliases=("gemini-flash-latest",)),
    _gemini("gemini-3.7-flash", 3.7, _LEVELS),
    _gemini("gemini-3.6-flash", 3.6, _ALL_LEVELS),
    _gemini("gemini-3.5-flash", 3.5, _ALL_LEVELS),
    _gemini("gemini-3.5-flash-lite", 3.5, _ALL_LEVELS, "minimal-by-default", aliases=("gemini-flash-lite-latest",)),
    _gemini("gemini-3.1-pro-preview", 3.1, _LEVELS, aliases=("gemini-pro-latest",)),
    _gemini("gemini-3.1-flash-lite", 3.1, _ALL_LEVELS, "minimal-by-default"),
    _gemini("gemini-3-flash-preview", 3, _ALL_LEVELS),
    _gemini_25("gemini-2.5-pro", (128, 32_768), "always-thinks"),
    _gemini_25("gemini-2.5-flash", (0, 24_576)),
    _gemini_25("gemini-2.5-flash-lite", (0, 24_576), "no-default-thinking"),
    Model(id="gemini-embedding-001", context=2048, output=1, flags=frozenset({"embedding"})),
)


def _claude(name: str, generation: float, thinking: tuple[str, ...], *flags: str, default: bool = False) -> Model:
    old = generation < 4.6
    return Model(
        id=name,
        context=200_000 if old else 1_000_000,
        output=64_000 if old else 128_000,
        generation=generation,
        thinking=thinking,
        thinks_by_default=default,
        flags=frozenset(flags),
    )


_ADAPTIVE = ("adaptive",)
_OPTIONAL = ("adaptive", "disabled")
_BOTH = ("adaptive", "enabled", "disabled")
_BUDGET = ("enabled", "disabled")
_UNFORCED = "no-forced-choice"

ANTHROPIC = (
    _claude("claude-opus-5-5", 5.5, _ADAPTIVE, _UNFORCED, default=True),
    _claude("claude-sonnet-5-5", 5.5, ("adaptive", "between_tools"), _UNFORCED, default=True),
    _claude("claude-haiku-5-5", 5.5, _OPTIONAL, default=True),
    _claude("claude-fable-5-2", 5.2, _ADAPTIVE, _UNFORCED, default=True),
    _claude("claude-fable-5-1", 5.1, _ADAPTIVE, _UNFORCED, default=True),
    _claude("claude-fable-5", 5, _ADAPTIVE, default=True),
    _claude("claude-mythos-5-2", 5.2, _ADAPTIVE, _UNFORCED, default=True),
    _claude("claude-opus-5", 5, _OPTIONAL, default=True),
    _claude("claude-sonnet-5", 5, _OPTIONAL, default=True),
    _claude("claude-opus-4-8", 4.8, _OPTIONAL),
    _claude("claude-opus-4-7", 4.7, _OPTIONAL),
    _claude("claude-opus-4-6", 4.6, _BOTH),
    _claude("claude-sonnet-4-6", 4.6, _BOTH),
    _claude("claude-opus-4-5", 4.5, _BUDGET),
    _claude("claude-sonnet-4-5", 4.5, _BUDGET),
    _claude("claude-haiku-4-5", 4.5, _BUDGET),
)

_EFFORTS = ("low", "medium", "high")
_QWEN_EFFORTS = ("none", "default")

GROQ = (
    Model(id="openai/gpt-oss-120b", thinking=_EFFORTS, flags=frozenset({"json-schema"})),
    Model(id="openai/gpt-oss-20b", thinking=_EFFORTS, flags=frozenset({"json-schema"})),
    Model(id="qwen/qwen3.8-27b", thinking=_QWEN_EFFORTS, flags=frozenset({"inline-thinking"})),
    Model(id="qwen/qwen3-32b", thinking=_QWEN_EFFORTS, flags=frozenset({"inline-thinking"})),
    Model(id="llama-3.3-70b-versatile"),
    Model(id="llama-3.1-8b-instant", output=131_072),
    Model(id="meta-llama/llama-4-maverick-17b-128e-instruct", output=8192, flags=frozenset({"json-schema", "vision"})),
    Model(id="moonshotai/kimi-k2-instruct", output=16_384, flags=frozenset({"json-schema"})),
)

TOGETHER = (
    Model(id="moonshotai/Kimi-K3.1-Pro", context=262_144, thinking=_EFFORTS, thinks_by_default=True),
    Model(id="moonshotai/Kimi-K3", context=262_144, thinking=_EFFORTS),
    Model(id="deepseek-ai/DeepSeek-V4-Pro-0813", context=163_840, thinking=_EFFORTS, thinks_by_default=True),
    Model(id="deepseek-ai/DeepSeek-V4.1-Flash", context=131_072),
    Model(id="Qwen/Qwen3.7-Max", context=262_144, thinking=_EFFORTS),
    Model(id="Qwen/Qwen3.8-Flash", context=262_144),
    Model(id="zai-org/GLM-5.3", context=202_752, thinking=_EFFORTS),
    Model(id="MiniMaxAI/MiniMax-M3.1-Flash", context=196_608),
    Model(id="openai/gpt-oss-120b", thinking=_EFFORTS),
)

COHERE = (
    Model(id="command-a-plus-05-2026", context=256_000, output=32_000, thinks_by_default=True, thinking=_EFFORTS),
    Model(id="command-a-reasoning-08-2025", context=256_000, output=32_000, thinks_by_default=True, thinking=_EFFORTS),
    Model(id="command-a-03-2025", context=256_000, output=8_000),
    Model(id="command-r-plus-08-2024", context=128_000, output=4_000),
    Model(id="command-r-08-2024", context=128_000, output=4_000),
    Model(id="command-r7b-12-2024", context=128_000, output=4_000),
)

_MISTRAL_EFFORTS = ("none", "high")

MISTRAL = (
    Model(id="mistral-large-4", context=262_144, thinking=_MISTRAL_EFFORTS, aliases=("mistral-large-latest",)),
    Model(id="mistral-large-2512", context=262_144),
    Model(id="mistral-medium-3-5", context=262_144, thinking=_MISTRAL_EFFORTS, aliases=("mistral-medium-latest",)),
    Model(id="mistral-small-2603", context=262_144, thinking=_MISTRAL_EFFORTS, aliases=("mistral-small-latest",)),
    Model(id="ministral-8b-2512", context=262_144, aliases=("ministral-8b-latest",)),
    Model(id="codestral-2508", context=256_000, aliases=("codestral-latest",)),
)

LOCAL = (
    Model(id="gpt-5.4-mini", context=400_000, output=128_000, thinking=("none", *_EFFORTS)),
    Model(id="gpt-5.6-luna", context=400_000, output=128_000, thinking=("none", *_EFFORTS)),
    Model(id="gpt-4.1", context=1_047_576),
    Model(id="local-llama", context=32_768),
    Model(id="local-reasoner", context=32_768, thinking=_EFFORTS, thinks_by_default=True),
)

_MAX = (*_EFFORTS, "xhigh", "max")
_SILENT, _RESPONSES = frozenset({"tools-unthinking"}), frozenset({"tools-on-responses"})

OPENAI = (
    Model(id="gpt-4.1", context=1_047_576),
    Model(id="gpt-5.4-mini", context=400_000, thinking=("none", *_EFFORTS, "xhigh"), thinks_by_default=True),
    Model(
        id="gpt-5.6-luna", context=400_000, thinking=("none", *_EFFORTS, "xhigh"), thinks_by_default=True, flags=_SILENT
    ),
    Model(id="gpt-6-luna", context=400_000, thinking=("none", *_MAX), thinks_by_default=True, flags=_SILENT),
    Model(id="gpt-6.1-sol", context=400_000, thinking=("none", *_MAX), thinks_by_default=True, flags=_RESPONSES),
    Model(id="gpt-6.1-terra", context=400_000, thinking=("none", *_MAX), thinks_by_default=True, flags=_RESPONSES),
    Model(id="gpt-6.2-sol", context=400_000, thinking=_MAX, thinks_by_default=True, flags=_RESPONSES),
)


def find(models: tuple[Model, ...], name: str) -> Model | None:
    """The model of that id or alias."""
    return next((model for model in models if name == model.id or name in model.aliases), None)
