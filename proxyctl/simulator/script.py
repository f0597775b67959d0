"""What is said, apart from how: the question a request asks, and the answer that follows from it.

Each provider reads its own wire format into a `Question` and writes a `Script` in its own wire format, so that all of
them say comparable things. The answer follows from the request alone; nothing here is random.
"""

import re
from typing import Any, Literal

import msgspec

from proxyctl.simulator.reply import encode
from proxyctl.simulator.samples import sample
from proxyctl.simulator.tokens import CHARACTERS_PER_TOKEN, IMAGE_TOKENS, Tally, count_tokens

Finish = Literal["stop", "stop_sequence", "length", "tool", "blocked"]
_ECHO_CHARACTERS = 240
_WORDS_PER_PIECE = 2
_WIDE_TEXT = " Größe, 漢字, 🙂."


class Tool(msgspec.Struct, frozen=True):
    name: str
    schema: dict[str, Any]


class ToolResult(msgspec.Struct, frozen=True):
    name: str
    text: str


class Image(msgspec.Struct, frozen=True):
    """`size` is the decoded size in bytes, None for an image given by its address."""

    media_type: str
    size: int | None


class Question(msgspec.Struct, frozen=True):
    """A request, read. `prompt` is all of its text in order, for counting."""

    model: str
    user_text: str
    prompt: str
    seed: str
    images: tuple[Image, ...] = ()
    tools: tuple[Tool, ...] = ()
    results: tuple[ToolResult, ...] = ()
    choice: str = "auto"  # auto, none, any, or tool:NAME
    parallel: bool = True
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    json_object: bool = False
    thinks: bool = False


class Manner(msgspec.Struct, frozen=True):
    """How the simulator was told to answer, by its options and by a fault."""

    bulk: int = 0  # bytes of one over-long piece
    wide: bool = False  # characters outside ASCII
    blocked: bool = False
    reason: str | None = None  # the finish reason in the provider's own word, with an empty answer
    words: int = 0  # pad the answer to this many words


class Call(msgspec.Struct, frozen=True):
    name: str
    arguments: dict[str, Any]

    @property
    def json(self) -> str:
        return encode(self.arguments).decode()


class Script(msgspec.Struct, frozen=True):
    """An answer, cut in the pieces in which it is streamed."""

    thoughts: tuple[str, ...]
    pieces: tuple[str, ...]
    calls: tuple[Call, ...]
    preamble: str
    finish: Finish
    stop_sequence: str | None
    tally: Tally
    seed: str
    reason: str | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def thinking(self) -> str:
        return "".join(self.thoughts)


def compose(
    provider: str, question: Question, manner: Manner, cached: int = 0, planned: tuple[Call, ...] | None = None
) -> Script:
    """The answer to `question`, limits and stop sequences applied, tokens counted. `planned` replaces its calls."""
    thinking = _thinking(question) if question.thinks else ""
    calls = _calls(question) if planned is None else planned
    preamble = f"I will call {calls[0].name}." if calls else ""
    finish: Finish = "tool" if calls else "stop"
    text = "" if calls else _text(provider, question, manner)
    stopped: str | None = None
    if manner.blocked or manner.reason is not None:
        thinking, text, calls, preamble = "", "", (), ""
        finish = "blocked" if manner.blocked else "stop"
    if text:
        text, stopped = _cut_at_stop(text, question.stop)
        finish = "stop_sequence" if stopped is not None else finish
        if question.max_tokens is not None and not manner.bulk:
            thinking, text, finish, stopped = _limit(thinking, text, question.max_tokens, finish, stopped)
    spoken = text + "".join(call.name + call.json for call in calls)
    thought_tokens = count_tokens(thinking)
    prompt = count_tokens(question.prompt) + IMAGE_TOKENS * len(question.images)
    return Script(
        thoughts=_pieces(thinking),
        pieces=_pieces(text, manner.bulk),
        calls=calls,
        preamble=preamble,
        finish=finish,
        stop_sequence=stopped,
        tally=Tally(
            prompt=max(prompt, 1),
            cached=cached,
            output=count_tokens(spoken) + thought_tokens,
            thinking=thought_tokens,
        ),
        seed=question.seed,
        reason=manner.reason,
    )


def _thinking(question: Question) -> str:
    return f"The user wrote: {question.user_text[:60]} I will answer as {question.model}."


def _calls(question: Question) -> tuple[Call, ...]:
    if not question.tools or question.results or question.choice == "none":
        return ()
    tools = list(question.tools)
    if question.choice.startswith("tool:"):
        name = question.choice.removeprefix("tool:")
        tools = [tool for tool in tools if tool.name == name] or tools
    wanted = [tools[0]]
    if question.parallel and "parallel" in question.user_text.lower():
        wanted.append(tools[1] if len(tools) > 1 else tools[0])
    return tuple(Call(tool.name, _arguments(tool, question.user_text)) for tool in wanted)


def _arguments(tool: Tool, text: str) -> dict[str, Any]:
    value = sample({**tool.schema, "type": "object"}, text)
    return value if isinstance(value, dict) else {}


def _text(provider: str, question: Question, manner: Manner) -> str:
    if question.schema is not None:
        return encode(sample(question.schema, question.user_text)).decode()
    if question.json_object:
        return encode({"provider": provider, "model": question.model, "text": question.user_text[:60]}).decode()
    if question.results:
        told = "; ".join(f"{result.name}: {result.text[:_ECHO_CHARACTERS]}" for result in question.results)
        text = f"{provider} {question.model} got this from the tool. {told}"
    else:
        said = question.user_text[:_ECHO_CHARACTERS].strip()
        text = f"This is {provider} with {question.model}, simulated. You wrote: {said}"
    for image in question.images:
        size = "given by its address" if image.size is None else f"of {image.size} bytes"
        text += f" I see an image ({image.media_type}) {size}."
    if manner.wide:
        text += _WIDE_TEXT
    if manner.words > (have := len(text.split())):
        text += " ".join([""] + [f"word{number}" for number in range(have + 1, manner.words + 1)])
    if manner.bulk:
        text += " " + "x" * manner.bulk
    return text


def _cut_at_stop(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    found = [(at, stop) for stop in stops if stop and (at := text.find(stop)) >= 0]
    if not found:
        return text, None
    at, stop = min(found)
    return text[:at], stop


def _limit(
    thinking: str, text: str, most: int, finish: Finish, stopped: str | None
) -> tuple[str, str, Finish, str | None]:
    """Thinking spends the same budget, first."""
    if count_tokens(thinking) >= most:
        return thinking[: most * CHARACTERS_PER_TOKEN], "", "length", None
    left = most - count_tokens(thinking)
    if count_tokens(text) <= left:
        return thinking, text, finish, stopped
    return thinking, text[: left * CHARACTERS_PER_TOKEN], "length", None


def _pieces(text: str, bulk: int = 0) -> tuple[str, ...]:
    """A few words a piece; an over-long word stays whole, which makes one over-long frame."""
    if not text:
        return ()
    words = re.findall(r"\s*\S+", text)
    if not words or bulk == 0:
        step = _WORDS_PER_PIECE
        pieces = ["".join(words[at : at + step]) for at in range(0, len(words), step)] or [text]
    else:
        pieces = words
    missing = len(text) - sum(map(len, pieces))
    return (*pieces[:-1], pieces[-1] + text[len(text) - missing :]) if missing else tuple(pieces)
