"""Read what a responses caller gets with OpenAI's own types, and with a grammar of our own where they look away.

The SDK checks neither numbers nor names nor repeated texts: that the deltas, the `done` events, the items and the last
response all say the same is checked here (wire notes 2026-11, "OpenAI Responses" and "independent judges"). Nothing
here knows our encoders.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

Json = dict[str, Any]

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ENDS = ("response.completed", "response.incomplete", "response.failed")
_PREFIXES = {"message": "msg_", "reasoning": "rs_", "function_call": "fc_", "custom_tool_call": "ctc_"}
_TEXTS = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "summary_text": ("response.reasoning_summary_text", "text"),
}


def events_of(sent: bytes) -> list[Json]:
    """The events of a stream, each checked to bear its name twice, to be numbered, and to be of the official type."""
    assert sent.endswith(b"\n\n")
    assert b"\r" not in sent
    assert b"[DONE]" not in sent
    events = []
    for number, frame in enumerate(sent.decode().removesuffix("\n\n").split("\n\n")):
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        assert event["sequence_number"] == number
        EVENT.validate_python(event, strict=True)
        events.append(event)
    return events


def check_grammar(sent: bytes) -> Json:
    """Check a whole stream; returns its last response object."""
    events = events_of(sent)
    created, in_progress, *spoken, last = events
    assert [created["type"], in_progress["type"]] == ["response.created", "response.in_progress"]
    assert last["type"] in ENDS
    response: Json = last["response"]
    assert last["type"] == f"response.{response['status']}"
    for event in (created, in_progress):
        begun = event["response"]
        assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)
        assert {name: begun[name] for name in ("id", "model", "created_at", "tools")} == {
            name: response[name] for name in ("id", "model", "created_at", "tools")
        }
    items = []
    while spoken:
        ended = next(at for at, event in enumerate(spoken) if event["type"] == "response.output_item.done")
        items.append(_check_item(spoken[: ended + 1], len(items)))
        spoken = spoken[ended + 1 :]
    assert items == response["output"]
    assert len({item["id"] for item in items}) == len(items)
    return response


def _check_item(events: list[Json], index: int) -> Json:
    """One item: its start, what its kind consists of, its end; all of the same item and place."""
    added, *inner, done = events
    begun, item = added["item"], done["item"]
    assert added["type"] == "response.output_item.added"
    assert {event["output_index"] for event in events} == {index}
    assert {event["item_id"] for event in inner} <= {item["id"]}
    assert (begun["id"], begun["type"]) == (item["id"], item["type"])
    assert item["id"].startswith(_PREFIXES[item["type"]])
    match item["type"]:
        case "message":
            assert (begun["status"], begun["content"]) == ("in_progress", [])
            assert item["status"] in ("completed", "incomplete")
            assert item["content"]
            _check_parts(inner, item["content"], "content_index", "response.content_part")
        case "reasoning":
            assert begun["summary"] == []
            _check_parts(inner, item["summary"], "summary_index", "response.reasoning_summary_part")
        case "function_call":
            assert (begun["status"], begun["arguments"]) == ("in_progress", "")
            assert begun["call_id"] == item["call_id"] != item["id"]
            assert isinstance(json.loads(item["arguments"]), dict)
            _check_text(inner, "response.function_call_arguments", "arguments", item["arguments"])
        case _:
            assert begun["input"] == ""
            assert begun["call_id"] == item["call_id"]
            _check_text(inner, "response.custom_tool_call_input", "input", item["input"])
    return item


def _check_parts(events: list[Json], parts: list[Json], place: str, kind: str) -> None:
    for index, part in enumerate(parts):
        ended = next(at for at, event in enumerate(events) if event["type"] == f"{kind}.done")
        added, *inner, done = events[: ended + 1]
        events = events[ended + 1 :]
        name, member = _TEXTS[part["type"]]
        assert added["type"] == f"{kind}.added"
        assert {event[place] for event in (added, *inner, done)} == {index}
        assert added["part"] == {**part, member: "", **({"annotations": []} if "annotations" in part else {})}
        assert done["part"] == part
        sources = [event for event in inner if event["type"] == "response.output_text.annotation.added"]
        assert [event["annotation_index"] for event in sources] == list(range(len(sources)))
        assert [event["annotation"] for event in sources] == part.get("annotations", [])
        _check_text([event for event in inner if event not in sources], name, member, part[member])
    assert events == []


def _check_text(events: list[Json], name: str, member: str, text: str) -> None:
    *deltas, done = events
    assert {event["type"] for event in deltas} <= {f"{name}.delta"}
    assert done["type"] == f"{name}.done"
    assert "".join(event["delta"] for event in deltas) == done[member] == text
    assert all(event["delta"] for event in deltas)


def check_response(document: Json) -> Response:
    """Check a response object that is whole: with the official type, and for what that type leaves open."""
    response = Response.model_validate_json(json.dumps(document), strict=True)
    assert document["id"].startswith("resp_")
    assert document["error"] is None
    assert (document["status"] == "incomplete") == (document["incomplete_details"] is not None)
    usage = document["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    return response


def proofs_of(document: Json) -> tuple[list[tuple[str, str]], list[str]]:
    """Whose signatures stand in a response's reasoning items, and the whole blocks that were encrypted elsewhere."""
    proofs, redacted = [], []
    for item in document["output"]:
        if "encrypted_content" not in item:
            continue
        value = item["encrypted_content"]
        if not value.startswith("gws1."):
            proofs.append(("openai-responses", value))
            continue
        packed = value.removeprefix("gws1.")
        content = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
        [signature] = content["s"]
        if signature.startswith("redacted:"):
            redacted.append(signature.removeprefix("redacted:"))
        else:
            proofs.append((content["p"], signature))
    return proofs, redacted
