"""Responses that follow-ups name: what the store holds and for whom, and conversations through a running gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxyctl.core.clock import ManualClock
from proxyctl.core.errors import NotFoundError
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from proxyctl.gateway.guard import Guard
from proxyctl.gateway.kept_responses import DAY, KeptResponses, kept_at, retrieve
from proxyctl.gateway.responses_inbound import ResponsesInbound
from proxyctl.simulator import Fault
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import Upstream, chunk, completion, response, streamed

RESPONSES = "/v1/responses"
LLAMA = "groq:llama-3.3-70b-versatile"
QUESTION = b'{"type":"message","role":"user","content":"hi"}'
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def message(item_id: str, text: str = "hello") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": content}


def document(response_id: str, *items: dict[str, Any]) -> bytes:
    return json.dumps({"id": response_id, "object": "response", "status": "completed", "output": items}).encode()


def inbound(kept: KeptResponses, owner: str = "", **fields: Any) -> ResponsesInbound:
    body = json.dumps({"model": "m", **fields}).encode()
    return ResponsesInbound(kept, owner, OPENAI_RESPONSES, {}, body)


def said(answer: dict[str, Any]) -> str:
    return "".join(part["text"] for item in answer["output"] if item["type"] == "message" for part in item["content"])


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


async def ask(gateway: Gateway, model: str = LLAMA, *, key: str = "", **fields: Any) -> dict[str, Any]:
    """The final response object, streamed or not."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    answer = await gateway.http.post(RESPONSES, json={"model": model, **fields}, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = events_of(answer.text)[-1]["response"] if fields.get("stream") else answer.json()
    return told


def told_upstream(gateway: Gateway) -> Any:
    """The last conversation that a provider of OpenAI's chat was sent, as roles and texts."""
    bodies = [json.loads(entry.body) for entry in gateway.simulator.ledger.entries if entry.method == "POST"]
    return [(one["role"], one["content"]) for one in bodies[-1]["messages"]]


# The store.


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_a_kept_response_is_the_conversation_until_its_answer(clock: ManualClock) -> None:
    kept = KeptResponses(clock)

    kept.put(document("resp_1", message("msg_1")), "", [QUESTION], session="s")

    found = kept.get("resp_1", "")
    assert found is not None
    assert [json.loads(item) for item in found.items] == [json.loads(QUESTION), message("msg_1")]
    assert found.session == "s"


def test_what_one_key_was_answered_exists_for_no_other(clock: ManualClock) -> None:
    kept = KeptResponses(clock)
    kept.put(document("resp_1", message("msg_1")), "alice", [])

    assert kept.get("resp_1", "bob") is None
    assert kept.item("msg_1", "bob") is None
    assert not kept.delete("resp_1", "bob")
    assert kept.get("resp_1", "alice") is not None


def test_an_old_response_is_forgotten(clock: ManualClock) -> None:
    kept = KeptResponses(clock)
    kept.put(document("resp_1", message("msg_1")), "", [])
    clock.advance(DAY - 1)
    kept.put(document("resp_2"), "", [])
    assert kept.get("resp_1", "") is not None

    clock.advance(1)

    assert kept.get("resp_1", "") is None
    assert kept.item("msg_1", "") is None
    assert kept.get("resp_2", "") is not None


def test_the_oldest_goes_when_there_are_too_many(clock: ManualClock) -> None:
    kept = KeptResponses(clock, most=2)

    for number in range(3):
        kept.put(document(f"resp_{number}"), "", [QUESTION])

    assert [kept.get(f"resp_{number}", "") is not None for number in range(3)] == [False, True, True]


def test_the_oldest_go_when_they_are_too_much(clock: ManualClock) -> None:
    size = len(document("resp_0")) + 1000
    kept = KeptResponses(clock, most_bytes=2 * size)

    for number in range(3):
        kept.put(document(f"resp_{number}"), "", [b"1" * 1000])

    assert (len(kept), kept.size) == (2, 2 * size)
    assert kept.get("resp_0", "") is None


def test_one_that_is_too_large_alone_pushes_nobody_out(clock: ManualClock) -> None:
    kept = KeptResponses(clock, most_bytes=500)
    kept.put(document("resp_1"), "", [])

    kept.put(document("resp_2"), "", [b"1" * 500])

    assert kept.get("resp_1", "") is not None
    assert kept.get("resp_2", "") is None


def test_the_books_balance_when_everything_is_gone(clock: ManualClock) -> None:
    kept = KeptResponses(clock)
    kept.put(document("resp_1", message("msg_1")), "", [QUESTION])
    kept.put(document("resp_1", message("msg_2")), "", [QUESTION])
    assert kept.item("msg_1", "") is None

    assert kept.delete("resp_1", "")

    assert (len(kept), kept.size, kept.item("msg_2", "")) == (0, 0, None)


def test_deleting_a_response_leaves_another_that_has_the_same_item(clock: ManualClock) -> None:
    kept = KeptResponses(clock)
    kept.put(document("resp_1", message("msg_1")), "", [])
    kept.put(document("resp_2", message("msg_1", "later")), "", [])

    kept.delete("resp_1", "")

    assert b"later" in (kept.item("msg_1", "") or b"")


def test_reading_and_deleting(clock: ManualClock) -> None:
    kept = KeptResponses(clock)
    kept.put(document("resp_1"), "", [])

    assert retrieve(kept, "resp_1", "").document == document("resp_1")
    assert kept.delete("resp_1", "")
    with pytest.raises(NotFoundError):
        retrieve(kept, "resp_1", "")


@pytest.mark.parametrize(
    ("path", "response_id"),
    [
        ("/v1/responses/resp_1", "resp_1"),
        ("/responses/resp_1", "resp_1"),
        ("/v1/responses", ""),
        ("/v1/responses/input_tokens", ""),
        ("/v1/responses/resp_1/cancel", ""),
        ("/v1/models/resp_1", ""),
    ],
)
def test_paths(path: str, response_id: str) -> None:
    assert kept_at(path) == response_id


def test_an_owner_is_a_key_and_does_not_give_it_away() -> None:
    guard = Guard(host="127.0.0.1", keys=["one", "two"])
    first, same, other = (guard.owner({b"authorization": b"Bearer " + key}, b"") for key in (b"one", b"one", b"two"))

    assert first == same == guard.owner({}, b"key=one") != other
    assert "one" not in first
    assert Guard(host="127.0.0.1").owner({b"authorization": b"Bearer one"}, b"") == ""


# Requests that name what is kept.


def test_a_follow_up_holds_the_whole_conversation_and_repeats_what_was_asked(clock: ManualClock) -> None:
    kept = KeptResponses(clock)
    kept.put(document("resp_1", message("msg_1")), "", [QUESTION], session="s")

    followed = inbound(kept, input="and?", previous_response_id="resp_1", prompt_cache_key="other")

    assert json.loads(followed.body) == {
        "model": "m",
        "input": [
            json.loads(QUESTION),
            message("msg_1"),
            {"type": "message", "role": "user", "content": "and?"},
        ],
        "prompt_cache_key": "other",
    }
    assert followed.peek.previous_response == ""
    assert bytes(followed.asked["previous_response_id"]) == b'"resp_1"'
    assert followed.session() == "s"


def test_a_follow_up_is_peeked_at_with_its_history(clock: ManualClock) -> None:
    kept = KeptResponses(clock)
    picture = b'{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AA=="}]}'
    kept.put(document("resp_1"), "", [picture])

    followed = inbound(kept, input="what is it?", previous_response_id="resp_1")

    assert followed.peek.has_images
    assert followed.peek.size == len(followed.body)


@pytest.mark.parametrize("own", [None, "", []], ids=["none", "empty", "no items"])
def test_a_follow_up_may_add_nothing(clock: ManualClock, own: Any) -> None:
    kept = KeptResponses(clock)
    kept.put(document("resp_1"), "", [QUESTION])

    followed = inbound(kept, input=own, previous_response_id="resp_1")

    assert json.loads(followed.body)["input"] == [json.loads(QUESTION)]


def test_references_become_the_items(clock: ManualClock) -> None:
    kept = KeptResponses(clock)
    kept.put(document("resp_1", message("msg_1"), message("msg_2")), "", [])
    unknown = {"type": "item_reference", "id": "msg_9"}
    text = {"role": "user", "content": 'what is "item_reference"?'}

    resolved = inbound(kept, input=[{"type": "item_reference", "id": "msg_2"}, unknown, text])

    assert json.loads(resolved.body)["input"] == [message("msg_2"), unknown, text]


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "hi"},
        {"input": "hi", "previous_response_id": "resp_9"},
        {"input": [{"type": "item_reference", "id": "msg_9"}]},
        {"input": ["item_reference", {"type": "item_reference"}]},
    ],
    ids=["nothing named", "unknown response", "unknown item", "odd items"],
)
def test_what_is_not_kept_stays_as_it_was_written(clock: ManualClock, fields: dict[str, Any]) -> None:
    plain = inbound(KeptResponses(clock), **fields)

    assert plain.body == json.dumps({"model": "m", **fields}).encode()


# Through a gateway.


@BOTH_WAYS
async def test_a_conversation_by_its_ids(gateway: Gateway, stream: bool) -> None:
    first = await ask(gateway, input="I am Ada", instructions="Be brief", stream=stream)
    second = await ask(gateway, input="Who am I?", previous_response_id=first["id"], stream=stream)
    third = await ask(gateway, input="Sure?", previous_response_id=second["id"], stream=stream)

    assert told_upstream(gateway) == [
        ("user", "I am Ada"),
        ("assistant", said(first)),
        ("user", "Who am I?"),
        ("assistant", said(second)),
        ("user", "Sure?"),
    ]
    assert third["previous_response_id"] == second["id"]
    assert len({first["id"], second["id"], third["id"]}) == 3


async def test_two_may_go_on_from_one_answer(gateway: Gateway) -> None:
    first = await ask(gateway, input="one")
    await ask(gateway, input="two", previous_response_id=first["id"])

    await ask(gateway, input="other", previous_response_id=first["id"])

    assert told_upstream(gateway) == [("user", "one"), ("assistant", said(first)), ("user", "other")]


async def test_a_conversation_may_move_to_another_provider(gateway: Gateway) -> None:
    first = await ask(gateway, "anthropic:claude-haiku-4-5", input="one")

    await ask(gateway, LLAMA, input="two", previous_response_id=first["id"])

    assert told_upstream(gateway) == [("user", "one"), ("assistant", said(first)), ("user", "two")]


async def test_items_by_reference(gateway: Gateway) -> None:
    first = await ask(gateway, input="one")
    [item] = first["output"]

    await ask(gateway, input=[{"type": "item_reference", "id": item["id"]}, {"role": "user", "content": "two"}])

    assert told_upstream(gateway) == [("assistant", said(first)), ("user", "two")]


@BOTH_WAYS
async def test_what_must_not_be_stored_is_not(gateway: Gateway, stream: bool) -> None:
    first = await ask(gateway, input="one", store=False, stream=stream)

    answer = await gateway.http.post(
        RESPONSES, json={"model": LLAMA, "input": "two", "previous_response_id": first["id"]}
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "previous_response_not_found")
    assert len(gateway.state.kept) == 0


@pytest.mark.parametrize("kind", ["cut", "error_in_200", "malformed_frame"])
async def test_an_interrupted_answer_is_not_kept_and_ends_as_failed(gateway: Gateway, kind: Any) -> None:
    gateway.simulator.fault(Fault(kind=kind, provider="groq", after_frames=3))

    answer = await gateway.http.post(RESPONSES, json={"model": LLAMA, "input": "one two three", "stream": True})

    events = events_of(answer.text)
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["response"]["id"] == events[0]["response"]["id"]
    assert events[-1]["response"]["status"] == "failed"
    assert len(gateway.state.kept) == 0
    [record] = await gateway.records(1)
    assert record.outcome == "interrupted"


async def test_a_daemon_that_ends_says_so_in_the_streams_own_grammar(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="stall", after_frames=3, times=None))
    body = {"model": LLAMA, "input": "one two three", "stream": True}
    text = ""

    async with gateway.http.stream("POST", RESPONSES, json=body) as answer:
        draining: asyncio.Task[None] | None = None
        async for piece in answer.aiter_text():
            text += piece
            draining = draining or asyncio.create_task(gateway.state.drain(0.05))

    assert draining is not None
    await draining
    events = events_of(text)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert (events[-2]["code"], events[-1]["type"]) == ("shutting_down", "response.failed")


@BOTH_WAYS
async def test_an_upstream_that_repeats_its_ids_mixes_up_nobody(
    start_gateway: StartGateway, upstream: Upstream, stream: bool
) -> None:
    """Some local servers draw an id of three digits."""
    gateway = await start_gateway(upstream.config())
    answers = [streamed(chunk(text), chunk(finish="stop"), b"[DONE]") for text in ("red", "blue")]
    if not stream:
        answers = [response(completion(text)) for text in ("red", "blue")]
    told = []
    for upstream.answer in answers:
        told.append(await ask(gateway, "local:m", input="colour?", stream=stream))

    await ask(gateway, "local:m", input="which?", previous_response_id=told[0]["id"], stream=stream)

    assert [said(one) for one in told] == ["red", "blue"]
    assert [one["content"] for one in json.loads(upstream.bodies[-1])["messages"]] == ["colour?", "red", "which?"]


async def test_a_reload_while_a_request_comes_in_does_not_make_it_everybodys(
    start_gateway: StartGateway, upstream: Upstream
) -> None:
    """Whose it is follows from the configuration that let it in."""
    upstream.answer = response(completion())
    gateway = await start_gateway('[server]\nkeys = ["$KEY_ONE"]\n' + upstream.config(), {"KEY_ONE": "key-one"})

    async def body() -> AsyncIterator[bytes]:
        yield b'{"model":"local:m",'
        while not gateway.state.exchanges:
            await asyncio.sleep(0)
        await gateway.configure(upstream.config())
        yield b'"input":"one"}'

    headers = {"authorization": "Bearer key-one", "content-type": "application/json"}
    told = (await gateway.http.post(RESPONSES, content=body(), headers=headers)).json()

    assert gateway.state.kept.get(told["id"], "") is None
    assert len(gateway.state.kept) == 1


async def test_another_key_cannot_go_on_with_it(start_gateway: StartGateway, upstream: Upstream) -> None:
    upstream.answer = response(completion())
    upstream.keep = True
    config = '[server]\nkeys = ["$KEY_ONE", "$KEY_TWO"]\n' + upstream.config()
    gateway = await start_gateway(config, {"KEY_ONE": "key-one", "KEY_TWO": "key-two"})
    first = await ask(gateway, "local:m", key="key-one", input="one")
    path, mine, other = f"{RESPONSES}/{first['id']}", *({"x-api-key": key} for key in ("key-one", "key-two"))

    follow = {"model": "local:m", "input": "two", "previous_response_id": first["id"]}
    refused = await gateway.http.post(RESPONSES, json=follow, headers=other)

    assert refused.json()["error"]["code"] == "previous_response_not_found"
    assert (await gateway.http.get(path, headers=other)).status_code == 404
    assert (await gateway.http.delete(path, headers=other)).status_code == 404
    assert (await gateway.http.get(path)).status_code == 401
    assert (await gateway.http.get(path, headers=mine)).json() == first
    assert (await gateway.http.post(RESPONSES, json=follow, headers=mine)).status_code == 200


async def test_reading_and_deleting_over_http(gateway: Gateway) -> None:
    first = await ask(gateway, input="one", stream=True)
    path = f"{RESPONSES}/{first['id']}"

    assert (await gateway.http.get(path)).json() == first
    assert (await gateway.http.delete(path)).json() == {"id": first["id"], "object": "response", "deleted": True}
    gone = await gateway.http.get(path)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "response_not_found")
    wrong = await gateway.http.put(path)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, DELETE")


async def test_a_follow_up_stays_where_the_conversation_is(start_gateway: StartGateway, gateway: Gateway) -> None:
    """Two providers take turns; a conversation is not torn apart, though its follow-ups repeat nothing of it."""
    text = gateway.config_file.read_text()
    for name, model in (("groq", "llama-3.3-70b-versatile"), ("together", "deepseek-ai/DeepSeek-V4.1-Flash")):
        head = f"[providers.{name}]\nmode = "
        assert head + '"fallback"' in text
        text = text.replace(
            head + '"fallback"', f'[providers.{name}]\nmodels = {{ both = "{model}" }}\nmode = "pooled"'
        )
    pooled = await start_gateway(text)
    places = set()
    for number in range(6):
        first = {"model": "both", "input": f"conversation {number}", "instructions": "Be brief"}
        answer = await pooled.http.post(RESPONSES, json=first)
        place = answer.headers["x-proxyctl-provider"]
        places.add(place)
        for _ in range(3):
            follow = {"model": "both", "input": "go on", "previous_response_id": answer.json()["id"]}
            answer = await pooled.http.post(RESPONSES, json=follow)
            assert answer.headers["x-proxyctl-provider"] == place

    assert len(places) == 2
