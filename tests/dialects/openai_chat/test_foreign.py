"""Signatures that are taken out of messages that pass through: only the foreign ones, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxyctl.core.chat import Signature, ToolCallPart
from proxyctl.core.losses import Losses
from proxyctl.dialects.openai_chat.foreign import without_foreign_signatures

FOREIGN, OWN = "Zm9yZWlnbg==", "b3du"
UNTOUCHED = '{"role": "user", "content": "thought_signature \\u00e4", "x": 1e+16, "n": 12345678901234567890}'


def is_foreign(call: ToolCallPart) -> bool:
    return call.signature == Signature(FOREIGN, "gemini-generate")


def called(number: int, signature: str = "", **more: Any) -> dict[str, Any]:
    call = {"id": f"c{number}", "type": "function", "function": {"name": "get", "arguments": "{}"}, **more}
    return {**call, "extra_content": {"google": {"thought_signature": signature}}} if signature else call


def cleaned(*messages: str | dict[str, Any]) -> tuple[str, list[str]]:
    losses = Losses()
    text = "[" + ",".join(one if isinstance(one, str) else json.dumps(one) for one in messages) + "]"
    written = without_foreign_signatures(Raw(text.encode()), is_foreign, losses)
    return bytes(written).decode(), [loss.path for loss in losses.entries()]


def test_a_foreign_signature_goes_and_everything_else_stays() -> None:
    """Numbers keep their digits, because a provider's cache goes by what stands there."""
    calls = [called(1, FOREIGN, index=0), called(2), called(3, OWN)]
    turn = {"role": "assistant", "content": None, "tool_calls": calls, "annotations": []}

    written, lost = cleaned(UNTOUCHED, turn)

    assert written.startswith(f"[{UNTOUCHED},")
    assert json.loads(written)[1] == {**turn, "tool_calls": [called(1, index=0), *calls[1:]]}
    assert lost == ["messages[1].tool_calls[0].extra_content"]


def test_a_message_without_calls_hides_no_signature_of_another() -> None:
    noted = {"role": "assistant", "content": "Hi", "tool_calls": None, "thought_signature": ""}

    written, lost = cleaned(noted, {"role": "assistant", "tool_calls": [called(1, FOREIGN)]})

    assert json.loads(written) == [noted, {"role": "assistant", "tool_calls": [called(1)]}]
    assert lost == ["messages[1].tool_calls[0].extra_content"]


@pytest.mark.parametrize(
    "messages",
    [
        (UNTOUCHED,),
        ({"role": "assistant", "tool_calls": [called(1, OWN)]},),
        ({"role": "assistant", "tool_calls": "thought_signature"},),
        ({"role": "assistant", "tool_calls": [{**called(1, FOREIGN), "function": None}]},),
        ('{"role":"assistant","tool_calls":[{"id":1,"thought_signature"',),
        ('"thought_signature"',),
        ("[" * 3000 + '"thought_signature"',),
    ],
)
def test_what_holds_none_or_cannot_be_read_passes_as_it_came(messages: tuple[Any, ...]) -> None:
    text = "[" + ",".join(one if isinstance(one, str) else json.dumps(one) for one in messages) + "]"

    assert cleaned(*messages) == (text, [])
