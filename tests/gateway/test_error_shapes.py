"""A provider's refusal passes as it came where its caller can read it; else its words come in the caller's own shape.

The refusals are what the servers document or are known to send (wire notes 2026-11, "errors" and the providers').
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as google_errors
from google.genai import types

from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import ASKED, CHAT, KEYED, STREAMED, Upstream, chunk, response, streamed

SAID: Any = [{"role": "user", "content": "hi"}]


async def ask_chat(gate: Gateway, *, stream: bool = False) -> None:
    """Ask by the official client, and read an answer to its end."""
    async with openai.AsyncOpenAI(base_url=f"{gate.url}/v1", api_key="any", max_retries=0) as client:
        answer: Any = await client.chat.completions.create(model="local:m", messages=SAID, stream=stream)
        if stream:
            [chunk async for chunk in answer]


async def ask_messages(gate: Gateway, *, stream: bool = False) -> None:
    model = "claude-opus-5-5"
    async with anthropic.AsyncAnthropic(base_url=gate.url, api_key="any", max_retries=0) as client:
        answer: Any = await client.messages.create(model=model, max_tokens=9, messages=SAID, stream=stream)
        if stream:
            [event async for event in answer]


OURS: list[tuple[str, bytes]] = [
    ("openai", b'{"error": {"message":"No.","type":"invalid_request_error","param":"n","code":null}}'),
    ("openrouter", b'{"error":{"code":400,"message":"No.","metadata":{"provider_name":"x"}},"user_id":"u"}'),
    ("vllm", b'{"error":{"message":"No.","type":"BadRequestError","param":null,"code":400}}'),
    ("bare", b'{"error":{"message":""}}'),
]
"""Chat errors in which OpenAI's clients find the message."""

OTHERS: list[tuple[str, bytes, dict[str, Any]]] = [
    (
        "mistral",
        (
            b'{"object":"error","message":"Unexpected role \'user\' after role \'tool\'",'
            b'"type":"invalid_request_message_order","param":null,"code":"3230"}'
        ),
        {
            "message": "Unexpected role 'user' after role 'tool'",
            "type": "invalid_request_message_order",
            "param": None,
            "code": "3230",
        },
    ),
    (
        "mistral-detail",
        b'{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}',
        {
            "message": "seed: Extra inputs are not permitted",
            "type": "invalid_request_error",
            "param": "seed",
            "code": None,
        },
    ),
    (
        "mistral-wrapped-detail",
        (
            b'{"object":"error","message":{"detail":[{"type":"missing","loc":["body","messages",0,"content"],"msg":"Field'
            b' required"}]},"type":"invalid_request_error","param":null,"code":null,"raw_status_code":422}'
        ),
        {
            "message": "messages.0.content: Field required",
            "type": "invalid_request_error",
            "param": "messages.0.content",
            "code": None,
        },
    ),
    (
        "vllm-old",
        b'{"object":"error","message":"n must be 1","type":"BadRequestError","param":"n","code":400}',
        {"message": "n must be 1", "type": "BadRequestError", "param": "n", "code": None},
    ),
    (
        "xai",
        b'{"code":"Client specified an invalid argument","error":"No such parameter: foo"}',
        {
            "message": "No such parameter: foo",
            "type": "invalid_request_error",
            "param": None,
            "code": "Client specified an invalid argument",
        },
    ),
    (
        "ollama-native",
        b'{"error":"this model does not support tools"}',
        {
            "message": "this model does not support tools",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
    ),
    (
        "code-of-another-type",
        b'{"error":{"message":"No.","type":"t","code":["a"]}}',
        {"message": "No.", "type": "t", "param": None, "code": None},
    ),
]
"""Chat errors in which they find none, and what they are told instead."""


@pytest.mark.parametrize("body", [body for _, body in OURS], ids=[name for name, _ in OURS])
async def test_what_clients_can_read_passes_byte_for_byte(gate: Gateway, upstream: Upstream, body: bytes) -> None:
    upstream.answer = response(body, status="400 Bad Request")

    answer = await gate.http.post(CHAT, content=ASKED)

    assert (answer.status_code, answer.content) == (400, body)


@pytest.mark.parametrize("asked", [ASKED, STREAMED], ids=["whole", "streamed"])
@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(("body", "expected"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
async def test_what_they_cannot_comes_in_their_shape(
    gate: Gateway, upstream: Upstream, body: bytes, expected: dict[str, Any], status: int, asked: bytes
) -> None:
    upstream.answer = response(body, status=f"{status} No")

    answer = await gate.http.post(CHAT, content=asked)

    assert (answer.status_code, answer.json()) == (status, {"error": expected})
    [record] = await gate.records(1)
    assert expected["message"] in record.error


@pytest.mark.parametrize(("body", "expected"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
async def test_the_official_client_shows_the_words(
    gate: Gateway, upstream: Upstream, body: bytes, expected: dict[str, Any]
) -> None:
    upstream.answer = response(body, status="400 Bad Request")
    with pytest.raises(openai.BadRequestError) as caught:
        await ask_chat(gate)

    error = caught.value
    assert expected["message"] in error.message
    assert (error.type, error.param, error.code) == (expected["type"], expected["param"], expected["code"])


async def test_an_error_in_place_of_an_answer_comes_in_their_shape_too(gate: Gateway, upstream: Upstream) -> None:
    """Servers forget the status: what they say of it decides."""
    upstream.answer = response(b'{"object":"error","message":"No.","type":"BadRequestError","param":null,"code":400}')

    answer = await gate.http.post(CHAT, content=ASKED)

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"] == "No."


@pytest.mark.parametrize(
    ("data", "passes"),
    [
        (OURS[0][1], True),
        ((b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","error":{"code":502,"message":"No."},'
         b'"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}'), True),
        (b'{"error":"No."}', False),
        (b'{"object":"error","message":"No.","type":"t","param":null,"code":1}', False),
        (b'{"error":{"detail":"No."}}', False),
    ],
    ids=["openai", "openrouter", "text", "flat", "other"],
)  # fmt: skip
async def test_in_a_stream_as_well(gate: Gateway, upstream: Upstream, data: bytes, passes: bool) -> None:
    upstream.answer, upstream.keep = streamed(chunk("hello"), data), False

    answer = await gate.http.post(CHAT, content=STREAMED)

    frames = [line[6:] for line in answer.content.splitlines() if line.startswith(b"data: ")]
    assert len(frames) == 2
    assert (frames[1] == data) is passes
    assert isinstance(json.loads(frames[1])["error"]["message"], str)
    assert b"No." in frames[1]
    assert b"[DONE]" not in answer.content


async def test_the_official_client_raises_for_an_imitators_error_in_a_stream(gate: Gateway, upstream: Upstream) -> None:
    upstream.answer, upstream.keep = streamed(chunk("hello"), b'{"object":"error","message":"No.","code":1}'), False
    with pytest.raises(openai.APIError, match=r"No\."):
        await ask_chat(gate, stream=True)


# Another dialect that is passed through.


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"No.","type":"BadRequestError","param":null,"code":400}}', "No."),
        (b'{"type":"error","message":"No."}', "No."),
        (
            b'{"detail":[{"type":"missing","loc":["body","max_tokens"],"msg":"Field required"}]}',
            "max_tokens: Field required",
        ),
    ],
    ids=["openai", "flat", "detail"],
)
async def test_messages_callers_get_their_own_shape(
    start_gateway: StartGateway, upstream: Upstream, body: bytes, message: str
) -> None:
    gate = await start_gateway(upstream.config(keyed=True, kind="anthropic"), KEYED)
    upstream.answer = response(body, status="400 Bad Request")

    with pytest.raises(anthropic.BadRequestError) as caught:
        await ask_messages(gate)

    assert caught.value.body == {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


async def test_a_messages_error_passes_byte_for_byte(start_gateway: StartGateway, upstream: Upstream) -> None:
    gate = await start_gateway(upstream.config(keyed=True, kind="anthropic"), KEYED)
    body = b'{"type": "error","error":{"type":"invalid_request_error","message":"No."},"request_id":"req_1"}'
    upstream.answer = response(body, status="400 Bad Request")

    answer = await gate.http.post("/v1/messages", json=gate.chat("claude-opus-5-5", max_tokens=9))

    assert (answer.status_code, answer.content) == (400, body)


STARTED = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
    b'"model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}\n\n'
)


@pytest.mark.parametrize(
    "frame",
    [
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"No."}}\n\n',
        b'data: {"type":"error","error":{"type":"overloaded_error","message":"No."}}\n\n',
        b'event: error\ndata: {"error":{"message":"No."}}\n\n',
        b'data: {"error":"No."}\n\n',
    ],
    ids=["own", "without its line", "without its type", "text"],
)
async def test_a_messages_stream_ends_in_an_error_that_its_client_raises(
    start_gateway: StartGateway, upstream: Upstream, frame: bytes
) -> None:
    """It goes by the event's line alone."""
    gate = await start_gateway(upstream.config(keyed=True, kind="anthropic"), KEYED)
    upstream.answer, upstream.keep = streamed() + STARTED + frame, False

    with pytest.raises(anthropic.APIStatusError, match=r"No\.") as caught:
        await ask_messages(gate, stream=True)

    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"No.","type":"t","param":null,"code":"c"}}', "No."),
        (b'{"error":"No."}', "No."),
        (b'{"detail":"No."}', "No."),
    ],
    ids=["openai", "text", "detail"],
)
async def test_gemini_callers_get_their_own_shape(
    start_gateway: StartGateway, upstream: Upstream, body: bytes, message: str
) -> None:
    gate = await start_gateway(upstream.config(keyed=True, kind="gemini"), KEYED)
    upstream.answer = response(body, status="400 Bad Request")

    def ask_gemini() -> None:
        options = types.HttpOptions(base_url=gate.url, client_args={"trust_env": False})
        with genai.Client(api_key="any", http_options=options) as client:
            client.models.generate_content(model="gemini-3.8-flash", contents="hi")

    with pytest.raises(google_errors.ClientError) as caught:
        await asyncio.to_thread(ask_gemini)

    assert (caught.value.code, caught.value.status, caught.value.message) == (400, "INVALID_ARGUMENT", message)


async def test_a_gemini_error_passes_byte_for_byte(start_gateway: StartGateway, upstream: Upstream) -> None:
    gate = await start_gateway(upstream.config(keyed=True, kind="gemini"), KEYED)
    body = b'{"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT", "details": []}}'
    upstream.answer = response(body, status="400 Bad Request")
    asked = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}

    answer = await gate.http.post("/v1beta/models/gemini-3.8-flash:generateContent", json=asked)

    assert (answer.status_code, answer.content) == (400, body)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Bad Request</html>",
        b"[1]",
        b'[{"error":{"code":400,"message":"No.","status":"X"}}]',
        b'"No."',
        b"",
        b"nul",
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
async def test_what_is_no_object_is_told_in_the_callers_shape(
    gate: Gateway, upstream: Upstream, path: str, body: bytes
) -> None:
    upstream.answer = response(body, status="400 Bad Request")

    answer = await gate.http.post(path, content=ASKED)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert answer.json()["error"]["type"] == "invalid_request_error"
