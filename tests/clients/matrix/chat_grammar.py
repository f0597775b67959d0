"""What OpenAI's chat dialect looks like, byte for byte, whoever wrote it: the gateway or a provider that it passes.

    stream = chunk(role) , { chunk(delta) } , chunk(finish_reason) , [ chunk(choices: [], usage) ] , "[DONE]"
           | … , error                      (terminal: neither a finish reason nor [DONE])

Source: wire notes 2026-11, "streaming grammars". Usage must come exactly once, when it was asked for, and last; Mistral
puts it beside the finish reason. `AssertionError` says what is wrong.
"""

from __future__ import annotations

import json

from .heard import Call, Heard, Json

SAME = ("id", "object", "created", "model")


def check_stream(body: bytes) -> Heard:
    *frames, done = _frames(body)
    assert done == "data: [DONE]", f"it ends with {done}"
    chunks = [_chunk(frame) for frame in frames]
    heard, finish = _read(chunks)
    assert finish, "nothing said why it stopped"
    assert [chunk for chunk in chunks if chunk.get("usage")] == chunks[-1:], "usage once, and last"
    _check_usage(chunks[-1]["usage"])
    return heard


def check_broken(body: bytes) -> str:
    """A stream that ended in an error; its message."""
    *frames, last = _frames(body)
    _, finish = _read([_chunk(frame) for frame in frames])
    assert finish is None, "it said that it was complete"
    error = _chunk(last)["error"]
    assert set(error) >= {"message", "type"}
    message: str = error["message"]
    return message


def check_whole(body: bytes) -> Heard:
    answer = json.loads(body)
    assert answer["object"] == "chat.completion"
    [choice] = answer["choices"]
    message = choice["message"]
    assert (choice["index"], message["role"]) == (0, "assistant")
    _check_usage(answer["usage"])
    calls = tuple(_call(call) for call in message.get("tool_calls") or ())
    return Heard(message["content"] or "", _thought(message), calls, choice["finish_reason"])


def _frames(body: bytes) -> list[str]:
    assert body.endswith(b"\n\n"), "the last frame is not finished"
    assert body.count(b"[DONE]") <= 1
    return body.decode().removesuffix("\n\n").split("\n\n")


def _chunk(frame: str) -> Json:
    assert frame.startswith("data: "), frame
    assert "\n" not in frame, frame
    chunk: Json = json.loads(frame.removeprefix("data: "))
    return chunk


def _read(chunks: list[Json]) -> tuple[Heard, str | None]:
    assert len({tuple(chunk[name] for name in SAME) for chunk in chunks}) == 1, "chunks of several answers"
    assert chunks[0]["object"] == "chat.completion.chunk"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    text, thinking, finish, calls = "", "", None, list[Json]()
    for chunk in chunks:
        assert len(chunk["choices"]) <= 1
        for choice in chunk["choices"]:
            assert choice["index"] == 0
            assert finish is None, "something follows the finish reason"
            delta = choice["delta"]
            text += delta.get("content") or ""
            thinking += _thought(delta)
            for fragment in delta.get("tool_calls") or ():
                _collect(fragment, calls)
            finish = choice["finish_reason"]
    whole = () if finish is None else tuple(_call(call) for call in calls)
    return Heard(text, thinking, whole, finish or ""), finish


def _collect(fragment: Json, calls: list[Json]) -> None:
    """The first fragment of a call names it, the others only write; calls are numbered without a gap."""
    if fragment["index"] == len(calls):
        calls.append({**fragment, "function": dict(fragment["function"])})
        return
    assert fragment["index"] == len(calls) - 1, "a gap between the calls, or one that was left is taken up again"
    assert not fragment.get("id")
    assert not fragment["function"].get("name")
    calls[-1]["function"]["arguments"] += fragment["function"]["arguments"]


def _call(call: Json) -> Call:
    assert call["type"] == "function"
    assert call["id"]
    arguments = json.loads(call["function"]["arguments"])
    assert isinstance(arguments, dict)
    return Call(call["id"], call["function"]["name"], arguments)


def _thought(said: Json) -> str:
    """Under either name; under both it must be the same."""
    names = {said[name] for name in ("reasoning", "reasoning_content") if said.get(name)}
    assert len(names) <= 1
    return next(iter(names), "")


def _check_usage(usage: Json) -> None:
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
