"""Put a conversation in the order that every provider insists on.

Clients cut histories, answer tool calls out of order, leave some unanswered and answer some twice; providers refuse
all of it. `repaired` is the one place that mends a history, for every encoder: pure, and the same bytes for the same
input, because providers cache by prefix. Sources: wire notes 2026-11, "system prompts, roles, alternation" and "tools".

What `repaired` promises:
- neighbours of the same role are one message (system messages stay as they are);
- the message after an assistant's calls is a user message that begins with exactly one result for each call, in the
  order of the calls; a call nobody answered gets a synthetic error result, an answer to no call becomes text;
- call ids are unique in the whole history, and each result names its function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from proxyctl.core.chat import Message, Part, TextPart, ToolCallPart, ToolResultPart
from proxyctl.core.losses import Losses

NO_RESULT = "[no result]"


@dataclass(slots=True)
class _Turn:
    """One message under repair. `results` belong to the calls among `parts`, by position."""

    role: str
    parts: list[Part]
    results: dict[int, ToolResultPart] = field(default_factory=dict)


def repaired(messages: Sequence[Message], losses: Losses) -> tuple[Message, ...]:
    """Return the history with every tool call answered, right after it and in order; what was mended is a loss."""
    turns = _paired(messages, losses)
    _make_ids_unique(turns)
    mended: list[Message] = []
    for turn in turns:
        if turn.parts:
            _append(mended, turn)
        if results := _results_of(turn, losses):
            mended.append(Message("user", results))
    return tuple(mended)


def without_mid_system(messages: Iterable[Message], losses: Losses) -> tuple[Message, ...]:
    """Fold system messages inside the conversation into the neighbouring user turn, for targets that take none.

    The text goes, in `<system-reminder>` tags, before the next user text (behind any tool results), else behind the
    user text before it. Expects and returns a `repaired` history.
    """
    folded: list[Message] = []
    reminders: list[Part] = []
    for index, message in enumerate(messages):
        if message.role == "system":
            losses.add(f"messages[{index}].role", "a system message inside the conversation became user text")
            reminders += [_reminder(part) for part in message.parts if isinstance(part, TextPart) and part.text]
            continue
        if reminders and message.role == "user":
            message = Message("user", _with_reminders(message.parts, reminders))  # noqa: PLW2901 - the same turn
            reminders = []
        elif reminders:
            _append(folded, _Turn("user", list(reminders)))
            reminders = []
        _append(folded, _Turn(message.role, list(message.parts)))
    if reminders:
        _append(folded, _Turn("user", list(reminders)))
    return tuple(folded)


def _paired(messages: Sequence[Message], losses: Losses) -> list[_Turn]:
    """Merge neighbours and take each tool result to the nearest call before it that still waits for one."""
    turns: list[_Turn] = []
    for index, message in enumerate(messages):
        if not turns or turns[-1].role != message.role or message.role == "system":
            turns.append(_Turn(message.role, []))
        turn = turns[-1]
        for part in message.parts:
            if isinstance(part, ToolResultPart):
                if not _answer(turns, part):
                    losses.add(f"messages[{index}]", f"a result for the unknown tool call {part.call_id!r} became text")
                    turn.parts += _orphan(part)
            else:
                turn.parts.append(part)
    return turns


def _answer(turns: Sequence[_Turn], result: ToolResultPart) -> bool:
    for turn in reversed(turns):
        if turn.role != "assistant":
            continue
        for position in range(len(turn.parts) - 1, -1, -1):
            call = turn.parts[position]
            if isinstance(call, ToolCallPart) and call.id == result.call_id and position not in turn.results:
                turn.results[position] = result
                return True
    return False


def _orphan(result: ToolResultPart) -> list[Part]:
    label = TextPart(text=f"[tool result {result.name or result.call_id}]")
    texts = [part.text for part in result.parts if isinstance(part, TextPart)]
    others: list[Part] = [part for part in result.parts if not isinstance(part, TextPart)]
    return [TextPart(text=" ".join([label.text, *texts])), *others]


def _make_ids_unique(turns: Iterable[_Turn]) -> None:
    seen: set[str] = set()
    for turn in turns:
        for position, part in enumerate(turn.parts):
            if not isinstance(part, ToolCallPart):
                continue
            unique, uses = part.id, 1
            while unique in seen:
                uses += 1
                unique = f"{part.id}_{uses}"
            seen.add(unique)
            if uses > 1:
                turn.parts[position] = structs.replace(part, id=unique)


def _results_of(turn: _Turn, losses: Losses) -> tuple[Part, ...]:
    results: list[Part] = []
    for position, part in enumerate(turn.parts):
        if not isinstance(part, ToolCallPart):
            continue
        result = turn.results.get(position)
        if result is None:
            losses.add(f"tool call {part.id}", "it had no result: a synthetic one was added")
            result = ToolResultPart(call_id=part.id, parts=(TextPart(text=NO_RESULT),), is_error=True)
        results.append(structs.replace(result, call_id=part.id, name=part.name))
    return tuple(results)


def _append(messages: list[Message], turn: _Turn) -> None:
    """Add a turn; a neighbour of the same role takes its parts in, system messages excepted."""
    parts = tuple(turn.parts)
    if messages and messages[-1].role == turn.role and turn.role != "system":
        messages[-1] = Message(messages[-1].role, messages[-1].parts + parts)
    elif turn.role == "user":
        messages.append(Message("user", parts))
    elif turn.role == "assistant":
        messages.append(Message("assistant", parts))
    else:
        messages.append(Message("system", parts))


def _reminder(part: TextPart) -> TextPart:
    return TextPart(text=f"<system-reminder>\n{part.text}\n</system-reminder>")


def _with_reminders(parts: tuple[Part, ...], reminders: list[Part]) -> tuple[Part, ...]:
    results = tuple(part for part in parts if isinstance(part, ToolResultPart))
    others = tuple(part for part in parts if not isinstance(part, ToolResultPart))
    return (*results, *reminders, *others)
