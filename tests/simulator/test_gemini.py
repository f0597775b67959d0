"""Gemini's strictness and raw bytes, beyond what its SDK would notice."""

import base64
from typing import Any

import httpx
import msgspec
import pytest

from proxyctl.simulator import Fault, Simulator

FLASH = "gemini-3.8-flash"
OLD = "gemini-2.5-flash"
HI: dict[str, Any] = {"role": "user", "parts": [{"text": "Hello you"}]}
SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}


def declare(**more: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": [{"name": "get", **more}]}]}


def config(**more: Any) -> dict[str, Any]:
    return {"generationConfig": more}


async def generate(
    http: httpx.AsyncClient, body: dict[str, Any], model: str = FLASH, verb: str = "generateContent"
) -> httpx.Response:
    value = {"contents": [HI], **body}
    return await http.post(f"/gemini/v1beta/models/{model}:{verb}", json=value, headers={"x-goog-api-key": "good"})


def refusal(response: httpx.Response) -> str:
    error = response.json()["error"]
    assert (response.status_code, error["status"]) == (400, "INVALID_ARGUMENT"), response.text
    return str(error["message"])


def history(*, call: dict[str, Any] | None = None, **part: Any) -> dict[str, Any]:
    """A tool loop whose call carries `part`, ready for its answer."""
    made = {"functionCall": {"name": "get", "args": {"k": "v"}, **(call or {})}, **part}
    answered = {"functionResponse": {"name": "get", "response": {"output": "12C"}}}
    return {
        "contents": [HI, {"role": "model", "parts": [made]}, {"role": "user", "parts": [answered]}],
        **declare(parametersJsonSchema=SCHEMA),
    }


def signed(model: str) -> str:
    return base64.b64encode(f"sim-thought:{model}:0123".encode()).decode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": []}, 'Unknown name "messages": Cannot find field.'),
        ({"contents": [{"role": "user", "parts": [{"txt": "x"}]}]}, "Unknown name \"txt\" at 'contents[0].parts[0]'"),
        ({"contents": []}, "contents is not specified"),
        ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "valid role: user, model"),
        ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
        ({"contents": [{"role": "user", "parts": [{}]}]}, "must have one initialized field"),
        ({"contents": [{"role": "user", "parts": [{"text": 5}]}]}, "Invalid value at 'contents[0].parts[0].text'"),
        ({"contents": [HI, {"role": "model", "parts": [{"text": "Sure"}]}]}, "prefilling is not supported"),
        (declare(parameters={"type": "object", "$schema": "x"}), 'Unknown name "$schema"'),
        (declare(parameters={"type": "object", "properties": {"a": {"const": 1}}}), 'Unknown name "const"'),
        (declare(parameters={"type": ["string", "null"]}), "function_declarations[0].parameters.type"),
        (declare(parameters={"type": "string", "properties": {}}), "only allowed for OBJECT type"),
        (declare(parameters={"type": "object", "required": ["x"]}), "property is not defined: x"),
        (declare(parameters={"type": "array"}), "items: missing field"),
        (declare(parameters=SCHEMA, parametersJsonSchema=SCHEMA), "cannot both be set"),
        (declare(input_examples=[]), 'Unknown name "input_examples"'),
        (declare(name="9lives"), "Invalid function name"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "any"}}}, "function_calling_config.mode"),
        ({"toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["x"]}}}, "ANY and VALIDATED"),
        (config(thinkingConfig={"thinkingBudget": 5, "thinkingLevel": "LOW"}), "only one of thinking budget"),
        (config(thinkingConfig={"thinkingLevel": "MINIMAL"}), "MINIMAL is not supported"),
        (config(stopSequences=list("abcdef")), "at most 5"),
        (config(candidateCount=2), "Multiple candidates"),
        (config(presencePenalty=0.1), "Penalty is not enabled"),
        (config(temperature=2.5), "[0, 2]"),
        (config(maxOutputTokens=0), "maxOutputTokens"),
        (config(responseMimeType="text/html"), "Unsupported response mime type"),
        (config(responseSchema={"type": "STRING"}), "can only be used with response_mime_type"),
        ({"cachedContent": "cachedContents/x", **declare()}, "can not be used with"),
        (history(), "missing a thought_signature in functionCall parts"),
        (history(thoughtSignature="AAAA"), "Corrupted thought signature"),
        (history(thoughtSignature=signed("gemini-3.7-flash")), "signature is not valid"),
        (history(thoughtSignature="not base64!"), "thought_signature"),
    ],
)
async def test_refused_like_the_real_one(http: httpx.AsyncClient, body: dict[str, Any], said: str) -> None:
    assert said in refusal(await generate(http, body))


@pytest.mark.parametrize(
    "part",
    [{"thoughtSignature": signed(FLASH)}, {"thought_signature": "skip_thought_signature_validator"}],
)
async def test_signed_history_is_taken(http: httpx.AsyncClient, part: dict[str, Any]) -> None:
    answer = await generate(http, history(**part))

    assert "get: 12C" in answer.json()["candidates"][0]["content"]["parts"][0]["text"]


async def test_only_the_current_turn_must_be_signed(http: httpx.AsyncClient) -> None:
    old = history()
    old["contents"] += [{"role": "model", "parts": [{"text": "12C"}]}, HI]

    assert (await generate(http, old)).status_code == 200


async def test_a_step_later_in_the_turn_must_be_signed_too(http: httpx.AsyncClient) -> None:
    body = history(thoughtSignature=signed(FLASH))
    body["contents"] += history()["contents"][1:]

    assert "position 4" in refusal(await generate(http, body))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (config(thinkingConfig={"thinkingLevel": "LOW"}), "Thinking level is not supported"),
        (config(thinkingConfig={"thinkingBudget": 30_000}), "between 0 and 24576"),
        ({**declare(), **config(responseMimeType="application/json")}, "Function calling with a response mime type"),
        (declare(parameters={"type": "object", "properties": {}}), "should be non-empty for OBJECT type"),
        (history(call={"id": "call1"}), "ids are not supported"),
    ],
)
async def test_what_only_older_models_refuse(http: httpx.AsyncClient, body: dict[str, Any], said: str) -> None:
    assert said in refusal(await generate(http, body, OLD))


@pytest.mark.parametrize(
    "body",
    [
        config(temperature=0.5, presencePenalty=0.1, candidateCount=2),
        config(thinkingConfig={"thinkingBudget": -1}),
        history(),
        {"contents": [HI, {"role": "model", "parts": [{"text": "Sure"}]}]},
    ],
)
async def test_what_older_models_still_take(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await generate(http, body, OLD)).status_code == 200


async def test_both_spellings_mean_the_same(http: httpx.AsyncClient) -> None:
    camel = {**config(maxOutputTokens=3, thinkingConfig={"thinkingBudget": 0}), "systemInstruction": HI}
    snake = {
        "generation_config": {"max_output_tokens": "3", "thinking_config": {"thinking_budget": 0}},
        "system_instruction": HI,
    }

    first, second = [(await generate(http, body)).json() for body in (camel, snake)]

    assert first["usageMetadata"] == second["usageMetadata"]
    assert first["candidates"][0]["finishReason"] == second["candidates"][0]["finishReason"] == "MAX_TOKENS"


async def test_function_responses_must_match_in_number(http: httpx.AsyncClient) -> None:
    body = history(thoughtSignature=signed(FLASH))
    body["contents"][2]["parts"] *= 2

    assert "number of function response parts is equal" in refusal(await generate(http, body))


async def test_function_response_ids_must_match(http: httpx.AsyncClient) -> None:
    body = history(call={"id": "a"}, thoughtSignature=signed(FLASH))
    body["contents"][2]["parts"][0]["functionResponse"]["id"] = "b"

    assert "`b` does not match" in refusal(await generate(http, body))


async def test_unanswered_call_is_refused(http: httpx.AsyncClient) -> None:
    body = history(thoughtSignature=signed(FLASH))
    del body["contents"][2]

    assert "followed by a function response turn" in refusal(await generate(http, body))


async def test_allowed_names_choose_the_tool(http: httpx.AsyncClient) -> None:
    declared = [{"name": name, "parametersJsonSchema": SCHEMA} for name in ("first", "second")]
    calling = {"mode": "ANY", "allowedFunctionNames": ["second"]}
    body = {
        "tools": [{"functionDeclarations": declared}],
        "toolConfig": {"functionCallingConfig": calling},
    }

    parts = (await generate(http, body)).json()["candidates"][0]["content"]["parts"]

    assert [part["functionCall"]["name"] for part in parts] == ["second"]


async def test_only_the_first_of_parallel_calls_is_signed(http: httpx.AsyncClient) -> None:
    asked = {"role": "user", "parts": [{"text": "do it in parallel"}]}

    answer = await generate(http, {"contents": [asked], **declare(parametersJsonSchema=SCHEMA)})

    parts = answer.json()["candidates"][0]["content"]["parts"]
    assert ["thoughtSignature" in part for part in parts] == [True, False]
    assert all(part["functionCall"]["id"] for part in parts)


async def test_older_models_give_no_ids_and_no_signatures(http: httpx.AsyncClient) -> None:
    answer = await generate(http, declare(parametersJsonSchema=SCHEMA), OLD)

    assert answer.json()["candidates"][0]["content"]["parts"] == [{"functionCall": {"name": "get", "args": {"k": "k"}}}]


async def test_stream_without_sse_is_one_json_array(http: httpx.AsyncClient) -> None:
    response = await generate(http, {}, verb="streamGenerateContent")

    assert response.headers["content-type"] == "application/json"
    chunks = msgspec.json.decode(response.content)
    assert len(chunks) > 3
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


async def test_every_chunk_carries_cumulative_usage(http: httpx.AsyncClient) -> None:
    response = await generate(http, {}, verb="streamGenerateContent?alt=sse")

    lines = response.content.split(b"\n\n")
    assert lines.pop() == b""
    assert all(line.startswith(b"data: {") and b"\n" not in line for line in lines)
    totals = [msgspec.json.decode(line[6:])["usageMetadata"]["totalTokenCount"] for line in lines]
    assert totals == sorted(totals)
    assert totals[-1] > totals[0]


@pytest.mark.parametrize(
    ("headers", "query", "status", "name"),
    [
        ({}, "", 403, "PERMISSION_DENIED"),
        ({"authorization": "Bearer good"}, "", 401, "UNAUTHENTICATED"),
        ({"x-goog-api-key": "bad"}, "", 400, "INVALID_ARGUMENT"),
        ({}, "?key=bad", 400, "INVALID_ARGUMENT"),
    ],
)
async def test_credentials(simulator: Simulator, headers: dict[str, str], query: str, status: int, name: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{simulator.url('gemini')}/v1beta/models{query}", headers=headers)

    assert (response.status_code, response.json()["error"]["status"]) == (status, name)


async def test_key_in_the_query_is_taken(simulator: Simulator) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{simulator.url('gemini')}/v1beta/models?key=good&pageSize=2")

    assert len(response.json()["models"]) == 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1beta/models/nope:generateContent", "models/nope is not found for API version v1beta"),
        ("/v1/models/gemini-flash-latest:generateContent", "not found for API version v1"),
        ("/v1beta/models/gemini-embedding-001:generateContent", "not supported for generateContent"),
        (f"/v1beta/models/{FLASH}:dance", "Method dance is not known"),
        ("/v2/models/x:generateContent", "was not found on this server"),
    ],
)
async def test_not_found(http: httpx.AsyncClient, path: str, said: str) -> None:
    response = await http.post(f"/gemini{path}", json={"contents": [HI]}, headers={"x-goog-api-key": "good"})

    assert response.status_code == 404
    assert said in response.json()["error"]["message"]


async def test_alias_works_on_the_beta_version(http: httpx.AsyncClient) -> None:
    answer = await generate(http, {}, "gemini-flash-latest")

    assert answer.json()["modelVersion"] == FLASH


async def test_quota_failure_tells_the_wait_in_the_body_only(simulator: Simulator, http: httpx.AsyncClient) -> None:
    simulator.fault(Fault(kind="status", provider="gemini", status=429, retry_after=46.2, code="PerDay"))

    response = await generate(http, {})

    quota, retry = response.json()["error"]["details"]
    assert response.status_code == 429
    assert "retry-after" not in response.headers
    assert "PerDay" in quota["violations"][0]["quotaId"]
    assert retry == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "46.2s"}


async def test_counting_a_whole_request(http: httpx.AsyncClient) -> None:
    whole = {"model": f"models/{FLASH}", "contents": [HI], "systemInstruction": {"parts": [{"text": "s" * 40}]}}

    response = await http.post(
        f"/gemini/v1beta/models/{FLASH}:countTokens",
        json={"generateContentRequest": whole},
        headers={"x-goog-api-key": "good"},
    )

    assert response.json() == {"totalTokens": (40 + len("Hello you")) // 4}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"text"'])
async def test_bodies_that_are_no_request(http: httpx.AsyncClient, content: bytes) -> None:
    response = await http.post(
        f"/gemini/v1beta/models/{FLASH}:generateContent", content=content, headers={"x-goog-api-key": "good"}
    )

    assert refusal(response)


async def test_cached_tokens_are_part_of_the_prompt(http: httpx.AsyncClient) -> None:
    long = {"systemInstruction": {"parts": [{"text": "s" * 8192}]}}

    first, second = [(await generate(http, long)).json()["usageMetadata"] for _ in range(2)]

    assert "cachedContentTokenCount" not in first
    assert second["cachedContentTokenCount"] == 2048
    assert first["promptTokenCount"] == second["promptTokenCount"] > 2048


@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse"])
async def test_a_long_answer_is_continued(simulator: Simulator, http: httpx.AsyncClient, verb: str) -> None:
    """The first answer ends for CONTINUATION and gives a token; the same request with it gives the rest."""
    whole = last_of(await generate(http, {}, verb=verb))
    simulator.fault(Fault(kind="finish", provider="gemini", reason="CONTINUATION"))

    first = last_of(await generate(http, {}, verb=verb))
    token = first["candidates"][0]["continuationToken"]
    second = last_of(await generate(http, {"continuationToken": token}, verb=verb))

    assert first["candidates"][0]["finishReason"] == "CONTINUATION"
    assert second["candidates"][0]["finishReason"] == whole["candidates"][0]["finishReason"] == "STOP"
    assert first["text"] + second["text"] == whole["text"]
    assert "Invalid continuation token" in refusal(await generate(http, {"continuationToken": "continue-x"}))
    changed = {"continuationToken": token, "generationConfig": {"temperature": 0.5}}
    assert "given for another request" in refusal(await generate(http, changed, verb=verb))
    simulator.reset()
    assert "Invalid continuation token" in refusal(await generate(http, {"continuationToken": token}, verb=verb))


async def test_an_answer_pauses_as_often_as_it_was_planned(simulator: Simulator, http: httpx.AsyncClient) -> None:
    whole = last_of(await generate(http, {}))
    simulator.fault(Fault(kind="finish", provider="gemini", reason="CONTINUATION", times=2))

    pieces: list[dict[str, Any]] = []
    asked: dict[str, Any] = {}
    while not pieces or asked:
        pieces.append(last_of(await generate(http, asked)))
        token = pieces[-1]["candidates"][0].get("continuationToken")
        asked = {"continuationToken": token} if token else {}

    assert len(pieces) == 3
    assert "".join(piece["text"] for piece in pieces) == whole["text"]


def last_of(response: httpx.Response) -> dict[str, Any]:
    """The last chunk of an answer, streamed or not, with all of its text."""
    frames = [frame.removeprefix(b"data: ") for frame in response.content.split(b"\n\n") if frame]
    chunks = [msgspec.json.decode(frame) for frame in frames]
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    return {**chunks[-1], "text": "".join(part["text"] for part in parts)}


async def test_the_pieces_of_a_streamed_turn_may_come_back_as_contents_of_their_own(http: httpx.AsyncClient) -> None:
    """Google's SDKs send them so; but each content with calls is a step, which proves its first call."""
    tools = [{"functionDeclarations": [{"name": "get"}]}]
    asked = [{"role": "user", "parts": [{"text": "get it"}]}]
    call = (await generate(http, {"contents": asked, "tools": tools})).json()["candidates"][0]["content"]
    result = {"functionResponse": {"id": call["parts"][0]["functionCall"]["id"], "name": "get", "response": {"a": 1}}}
    tail = [{"role": "model", "parts": [{"text": ""}]}, {"role": "user", "parts": [result]}]
    unsigned = {"role": "model", "parts": [{"functionCall": call["parts"][0]["functionCall"]}]}
    two = {"role": "user", "parts": [result, result]}

    answer = await generate(http, {"contents": [*asked, call, *tail], "tools": tools})
    apart = await generate(http, {"contents": [*asked, call, unsigned, two], "tools": tools})

    assert answer.status_code == 200, answer.text
    assert "missing a thought_signature" in refusal(apart)
