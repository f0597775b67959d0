"""What Gemini's dialect looks like, byte for byte, whoever wrote it: the gateway or Gemini itself.

    stream = { chunk } , chunk(finishReason, usageMetadata)        (the end of the body is the end)
           | … , error                                              (and no finish reason)

Each chunk must be of the SDK's own type, which forbids unknown members; the SDK itself takes them out before it looks.
Source: wire notes 2026-11, "streaming grammars" and "independent judges". `AssertionError` says what is wrong.
"""

from __future__ import annotations

import json

from google.genai import types

from .heard import Call, Heard, Json


def check_stream(body: bytes) -> Heard:
    heard, finish = _read(_frames(body))
    assert finish, "nothing said why it stopped"
    return heard


def check_whole(body: bytes) -> Heard:
    heard, finish = _read([json.loads(body)])
    assert finish, "nothing said why it stopped"
    return heard


def check_broken(body: bytes) -> str:
    """A stream that ended in an error; its message."""
    *chunks, last = _frames(body)
    _, finish = _read(chunks, complete=False)
    assert finish is None, "it said that it was complete"
    error = last["error"]
    assert set(error) >= {"code", "message", "status"}
    assert isinstance(error["code"], int)
    message: str = error["message"]
    return message


def _frames(body: bytes) -> list[Json]:
    """Nothing but `data:` lines with a blank one behind each; the SDK fails on everything else."""
    text = body.decode().replace("\r\n", "\n")
    assert text.endswith("\n\n"), "the last frame is not finished"
    frames = text.removesuffix("\n\n").split("\n\n")
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames)
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


def _read(chunks: list[Json], *, complete: bool = True) -> tuple[Heard, str | None]:
    assert len({(chunk["responseId"], chunk["modelVersion"]) for chunk in chunks}) == 1, "chunks of several answers"
    text, thinking, finish, calls = "", "", None, list[Call]()
    for chunk in chunks:
        types.GenerateContentResponse.model_validate(chunk)
        [candidate] = chunk["candidates"]
        assert candidate.get("index", 0) == 0
        assert finish is None, "something follows the finish reason"
        content = candidate.get("content", {})
        assert content.get("role", "model") == "model"
        for part in content.get("parts", ()):
            if "functionCall" in part:
                calls.append(_call(part["functionCall"]))
            elif part.get("thought"):
                thinking += part["text"]
            else:
                text += part["text"]
        finish = candidate.get("finishReason")
    if complete:
        _check_usage(chunks[-1]["usageMetadata"])
    return Heard(text, thinking, tuple(calls), finish or ""), finish


def _call(call: Json) -> Call:
    assert isinstance(call["args"], dict)
    assert call["id"]
    return Call(call["id"], call["name"], call["args"])


def _check_usage(usage: Json) -> None:
    counted = [usage.get(f"{name}TokenCount", 0) for name in ("prompt", "candidates", "thoughts", "toolUsePrompt")]
    assert usage["totalTokenCount"] == sum(counted) > 0
