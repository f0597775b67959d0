"""Gemini's clients at the gateway, over sockets: the model in the path, both framings of a stream, both lanes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import KEY, KEYED, Upstream, in_use, response, settled, streamed

HI: Any = {"contents": [{"role": "user", "parts": [{"text": "Good morning"}]}]}
FLASH = "gemini:gemini-3.8-flash"
LLAMA = "groq:llama-3.3-70b-versatile"
BOTH_LANES = pytest.mark.parametrize(("model", "lane"), [(FLASH, "passthrough"), (LLAMA, "translate")])
ODD = b'{ "contents":[ {"parts":[{"text":"hi","role":"model"}]} ], "unknown_field" : {"model": 1},\n "labels":{} }'


def path_of(model: str, verb: str = "generateContent", version: str = "v1beta") -> str:
    return f"/{version}/models/{model}:{verb}"


def events_of(text: str) -> list[Any]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def text_of(documents: list[Any]) -> str:
    parts = [part for one in documents for part in one["candidates"][0].get("content", {}).get("parts", [])]
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


@BOTH_LANES
@pytest.mark.parametrize("version", ["v1beta", "v1", "v1alpha"])
async def test_an_answer_is_told_and_recorded(gateway: Gateway, model: str, lane: str, version: str) -> None:
    answer = await gateway.http.post(path_of(model, version=version), json=HI)

    assert answer.status_code == 200, answer.text
    assert text_of([answer.json()]).endswith("Good morning")
    [record] = await gateway.records(1)
    assert (record.dialect, record.requested_model, record.lane, record.stream) == (
        "gemini-generate",
        model,
        lane,
        False,
    )
    assert record.served_model == answer.headers["x-proxyctl-model"] == answer.json()["modelVersion"]
    assert record.finish == "end"
    assert record.usage is not None
    assert record.usage.total == answer.json()["usageMetadata"]["totalTokenCount"] > 0


@BOTH_LANES
@pytest.mark.parametrize("query", ["?alt=sse", "?%24alt=sse&key=k"])
async def test_a_stream_of_events(gateway: Gateway, model: str, lane: str, query: str) -> None:
    whole = await gateway.http.post(path_of(model), json=HI)

    answer = await gateway.http.post(path_of(model, "streamGenerateContent") + query, json=HI)

    assert answer.headers["content-type"].startswith("text/event-stream")
    events = events_of(answer.text)
    assert len(events) > 3
    assert text_of(events) == text_of([whole.json()])
    assert events[-1]["candidates"][0]["finishReason"] == "STOP"
    newest, oldest = await gateway.records(2)
    assert (newest.outcome, newest.lane, newest.stream) == ("ok", lane, True)
    assert newest.usage == oldest.usage
    assert newest.first_token_ms is not None


@BOTH_LANES
async def test_a_stream_without_events_is_one_array(gateway: Gateway, model: str, lane: str) -> None:
    del lane
    events = await gateway.http.post(path_of(model, "streamGenerateContent") + "?alt=sse", json=HI)

    answer = await gateway.http.post(path_of(model, "streamGenerateContent"), json=HI)

    assert answer.headers["content-type"].startswith("application/json")
    elements = json.loads(answer.text)
    assert [one["candidates"] for one in elements] == [one["candidates"] for one in events_of(events.text)]
    newest, oldest = await gateway.records(2)
    assert (newest.outcome, newest.usage) == ("ok", oldest.usage)


@pytest.mark.parametrize(
    "model",
    ["together:Qwen/Qwen3.8-Flash", "together%3AQwen%2FQwen3.8-Flash", "models/together:Qwen/Qwen3.8-Flash"],
)
async def test_names_with_slashes_and_colons(gateway: Gateway, model: str) -> None:
    answer = await gateway.http.post(path_of(model.removeprefix("models/")), json=HI)

    assert answer.status_code == 200, answer.text
    assert answer.json()["modelVersion"] == "Qwen/Qwen3.8-Flash"


async def test_both_spellings_are_understood(gateway: Gateway) -> None:
    snake = {**HI, "system_instruction": {"parts": {"text": "s"}}, "generation_config": {"max_output_tokens": 3}}

    for model in (FLASH, LLAMA):
        answer = await gateway.http.post(path_of(model), json=snake)
        assert answer.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"


# Passing through


@pytest.fixture
async def gate(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    return await start_gateway(upstream.config('models = { m = "gemini-3.8-flash" }', kind="gemini", keyed=True), KEYED)


def document(text: str = "Hi", finish: str | None = None, **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": [{"text": text, "newThing": 1}]}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    counts = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
    return json.dumps({"candidates": [candidate], "usageMetadata": counts, "modelVersion": "g", **more}).encode()


async def test_bytes_pass_untouched_and_the_address_names_the_chosen_model(gate: Gateway, upstream: Upstream) -> None:
    """Whatever stands in the body: `model` there is nobody's business, if only as a role."""
    whole = document(finish="STOP", unknownToo=[1.0])
    upstream.answer = response(whole)

    answer = await gate.http.post(
        path_of("gemini:m") + "?key=theirs", content=ODD, headers={"x-goog-api-key": "theirs"}
    )

    assert answer.content == whole
    assert upstream.bodies == [ODD]
    [head] = upstream.heads
    assert head.startswith(b"POST /v1beta/models/gemini-3.8-flash:generateContent HTTP/1.1")
    assert KEY.encode() in head
    assert b"theirs" not in head


async def test_a_stream_passes_frame_by_frame_and_is_counted(gate: Gateway, upstream: Upstream) -> None:
    """Each frame leaves when it has come: the next is sent only when the caller has seen the one before."""
    seen, frames = asyncio.Event(), [document(f"{number} ") for number in range(4)] + [document("end", "STOP")]

    async def script(body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del body, reader
        writer.write(streamed())
        for frame in frames:
            writer.write(b"data: " + frame + b"\r\n\r\n")
            await writer.drain()
            await seen.wait()
            seen.clear()

    upstream.answer, upstream.keep = script, False
    got = b""
    target = path_of("gemini:m", "streamGenerateContent") + "?alt=sse"
    async with gate.http.stream("POST", target, json=HI) as answer:
        async for piece in answer.aiter_raw():
            got += piece
            seen.set()

    assert got == b"".join(b"data: " + frame + b"\r\n\r\n" for frame in frames)
    assert upstream.heads[0].startswith(b"POST /v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse ")
    [record] = await gate.records(1)
    assert (record.outcome, record.finish, record.lane) == ("ok", "end", "passthrough")
    assert record.usage is not None
    assert (record.usage.input, record.usage.output, record.usage.source) == (5, 2, "reported")


@pytest.mark.parametrize("query", ["?alt=sse", ""])
async def test_a_cut_stream_ends_in_an_error(gate: Gateway, upstream: Upstream, query: str) -> None:
    upstream.answer, upstream.keep = streamed(document("one"), document("two")), False

    answer = await gate.http.post(path_of("gemini:m", "streamGenerateContent") + query, json=HI)

    told = events_of(answer.text) if query else json.loads(answer.text)
    assert [set(one) for one in told[:-1]] == [{"candidates", "usageMetadata", "modelVersion"}] * 2
    assert told[-1]["error"]["status"] == "INTERNAL"
    [record] = await gate.records(1)
    assert record.outcome == "interrupted"
    assert record.usage is not None
    assert record.usage.source == "partial"


async def test_an_error_object_in_mid_stream_is_the_callers_own(gate: Gateway, upstream: Upstream) -> None:
    """A bare one over several lines is told again as a frame, once."""
    upstream.keep = False
    upstream.answer = (
        streamed(document("one")) + b'{\n "error": {"code": 503, "status": "UNAVAILABLE", "message": "m"}\n}'
    )

    answer = await gate.http.post(path_of("gemini:m", "streamGenerateContent") + "?alt=sse", json=HI)

    events = events_of(answer.text)
    assert len(events) == 2
    assert (events[1]["error"]["status"], "m" in events[1]["error"]["message"]) == ("UNAVAILABLE", True)
    [record] = await gate.records(1)
    assert record.error_kind == "overloaded"


async def test_a_providers_own_refusal_passes(gate: Gateway, upstream: Upstream) -> None:
    refusal = b'{"error":{"code":400,"message":"Odd.","status":"INVALID_ARGUMENT","details":[]}}'
    upstream.answer = response(refusal, status="400 Bad Request")

    whole = await gate.http.post(path_of("gemini:m"), json=HI)
    array = await gate.http.post(path_of("gemini:m", "streamGenerateContent"), json=HI)

    assert (whole.status_code, whole.content) == (400, refusal)
    assert (array.status_code, array.content) == (400, b"[" + refusal + b"]")


async def test_a_model_in_the_body_cannot_contradict_the_address(gate: Gateway, upstream: Upstream) -> None:
    upstream.answer = response(document(finish="STOP"))

    await gate.http.post(path_of("gemini:m"), content=b'{"model":"models/other","contents":[{"parts":[]}], "x":1.0}')

    assert upstream.bodies == [b'{"contents":[{"parts":[]}],"x":1.0}']


async def test_a_tuned_model_has_a_path_of_its_own(gate: Gateway, upstream: Upstream) -> None:
    upstream.answer = response(document(finish="STOP"))

    answer = await gate.http.post("/v1beta/tunedModels/mine-1:generateContent", json=HI)

    assert answer.status_code == 200, answer.text
    assert upstream.heads[0].startswith(b"POST /v1beta/tunedModels/mine-1:generateContent ")


async def test_a_caller_who_leaves_an_array_lets_the_upstream_go(gate: Gateway, upstream: Upstream) -> None:
    async def script(body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del body
        writer.write(streamed(document("one")))
        await writer.drain()
        await reader.read(1)

    upstream.answer, upstream.keep = script, False
    async with gate.http.stream("POST", path_of("gemini:m", "streamGenerateContent"), json=HI) as answer:
        async for piece in answer.aiter_raw():
            assert piece.startswith(b"[{")
            break

    await settled(gate)
    assert in_use(gate) == 0
    [record] = await gate.records(1)
    assert record.outcome == "client_closed"


# Refusals


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("POST", "/v1beta/models/nonsense:generateContent", 404, "NOT_FOUND"),
        ("POST", "/v1beta/models/nonsense:countTokens", 404, "NOT_FOUND"),
        ("POST", "/v1/models/nonsense:embedContent", 404, "NOT_FOUND"),
        ("POST", "/v1beta/nothing", 404, "NOT_FOUND"),
        ("POST", "/v1beta/models/%20:generateContent", 404, "NOT_FOUND"),
        ("POST", "/v1beta/models/gemini-3.8-flash:fly", 404, "NOT_FOUND"),
        ("GET", "/v1beta/models/gemini-3.8-flash:generateContent", 405, "INVALID_ARGUMENT"),
        ("POST", "/v1beta/models/gemini-3.8-flash", 405, "INVALID_ARGUMENT"),
    ],
)
async def test_refusals_are_googles(gateway: Gateway, method: str, path: str, status: int, name: str) -> None:
    answer = await gateway.http.request(method, path, json=HI, headers={"x-goog-api-key": "k"})

    assert answer.status_code == status
    assert (answer.json()["error"]["code"], answer.json()["error"]["status"]) == (status, name)


@pytest.mark.parametrize("model", [FLASH, LLAMA])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"contents":7}', b'{"contents":[{"parts":[{"text":"\xff"}]}]}', b'{"contents":']
)
async def test_a_bad_request_is_never_a_fault_of_ours(gateway: Gateway, model: str, body: bytes) -> None:
    answer = await gateway.http.post(path_of(model), content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


async def test_a_model_name_without_an_end_is_refused(gateway: Gateway) -> None:
    answer = await gateway.http.post(path_of("m" * 600), json=HI)

    assert answer.status_code == 400


@pytest.mark.parametrize("where", ["header", "query", "bearer"])
async def test_the_gateways_own_key_in_each_of_the_places(start_gateway: StartGateway, where: str) -> None:
    gateway = await start_gateway('[server]\nkeys = ["$OURS"]\n', {"OURS": "ours-1234567890abcdef"})
    key = "ours-1234567890abcdef"
    headers = {"header": {"x-goog-api-key": key}, "bearer": {"authorization": f"Bearer {key}"}, "query": {}}[where]
    query = f"?key={key}" if where == "query" else ""

    without = await gateway.http.post(path_of("nonsense"), json=HI)
    shown = await gateway.http.post(path_of("nonsense") + query, json=HI, headers=headers)

    assert (without.status_code, without.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert shown.status_code == 404


async def test_a_failure_before_the_first_byte_goes_elsewhere(gateway: Gateway) -> None:
    """To a provider of another dialect: the caller cannot tell."""
    gateway.simulator.fault(Fault(kind="status", provider="gemini", status=503, times=None))

    answer = await gateway.http.post(path_of("gemini-3.8-flash"), json=HI)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-proxyctl-provider"] != "gemini"
    assert answer.json()["candidates"][0]["finishReason"] == "STOP"
