"""Forms with a file pass as they came; only the model's name is changed."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.simulator import Fault
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import Upstream, response

TRANSCRIBE, TRANSLATE = "/v1/audio/transcriptions", "/v1/audio/translations"
SOUND = bytes(range(256)) * 100 + b"\r\n--not-the-boundary\r\n"
SAID = f"You sent {len(SOUND)} bytes as talk.wav."
MODELS = [
    "groq:whisper-large-v3",
    "mistral:voxtral-mini-latest",
    "together:openai/whisper-large-v3",
    "local:whisper-1",
    "cohere:cohere-transcribe-03-2026",
]


async def send(gateway: Gateway, model: str, path: str = TRANSCRIBE, **more: str) -> Any:
    files = {"file": ("talk.wav", SOUND, "audio/wav")}
    return await gateway.http.post(path, data={"model": model, "language": "en", **more}, files=files)


@pytest.mark.parametrize("model", MODELS)
async def test_the_file_arrives_whole(gateway: Gateway, model: str) -> None:
    answer = await send(gateway, model)

    assert answer.status_code == 200, answer.text
    assert answer.json()["text"] == SAID
    provider = model.partition(":")[0]
    assert answer.headers["x-proxyctl-provider"] == provider
    [record] = await gateway.records(1)
    assert (record.outcome, record.provider, record.cost) == ("ok", provider, None)


@pytest.mark.parametrize("model", ["groq:whisper-large-v3", "local:whisper-1"])
async def test_translations_have_their_own_path(gateway: Gateway, model: str) -> None:
    answer = await send(gateway, model, TRANSLATE)

    assert answer.json()["text"] == SAID
    assert gateway.simulator.ledger.entries[-1].path.endswith("/audio/translations")


async def test_text_comes_as_text(gateway: Gateway) -> None:
    answer = await send(gateway, "groq:whisper-large-v3", response_format="text")

    assert (answer.headers["content-type"], answer.text) == ("text/plain; charset=utf-8", SAID)


async def test_a_stream_comes_whole_and_as_it_was(gate: Gateway, upstream: Upstream) -> None:
    said = b'event: x\ndata: {"type":"transcript.text.done","text":"hi"}\n\n'
    upstream.answer = response(said, kind="text/event-stream")

    answer = await send(gate, "local:m", stream="true")

    assert answer.content == said
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_a_form_whose_model_needs_no_change_passes_byte_for_byte(gate: Gateway, upstream: Upstream) -> None:
    upstream.answer = response(b'{"text":"hi"}')

    files = {"file": ("talk.wav", SOUND, "audio/wav")}
    request = gate.http.build_request("POST", TRANSCRIBE, data={"model": "m"}, files=files)
    written = await request.aread()

    answer = await gate.http.send(request)

    assert answer.status_code == 200
    assert upstream.bodies == [written]


async def test_the_providers_refusal_is_handed_on(gateway: Gateway) -> None:
    answer = await send(gateway, "groq:whisper-large-v3", response_format="srt")

    assert answer.status_code == 400
    assert "response_format" in answer.json()["error"]["message"]


async def test_a_failure_moves_on_to_the_aliases_next_target(gateway: Gateway) -> None:
    text = gateway.config_file.read_text()
    await gateway.configure(f'{text}\n[aliases]\nhear = ["groq:whisper-large-v3", "mistral:voxtral-mini-latest"]\n')
    gateway.simulator.fault(Fault(kind="status", provider="groq", status=503, times=None))

    answer = await send(gateway, "hear")

    assert (answer.json()["text"], answer.headers["x-proxyctl-provider"]) == (SAID, "mistral")


async def test_a_provider_without_audio_says_so(gateway: Gateway) -> None:
    answer = await send(gateway, "anthropic:claude-sonnet-5-5")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"", "multipart/form-data", 400),
        (b"", "multipart/form-data; boundary=b", 400),
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b", 400),
        (
            b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nx\r\n--b--',
            "multipart/form-data; boundary=b",
            400,
        ),
        (b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nm', "multipart/form-data; boundary=b", 400),
    ],
)
async def test_what_is_no_form_is_refused(gateway: Gateway, body: bytes, kind: str, status: int) -> None:
    answer = await gateway.http.post(TRANSCRIBE, content=body, headers={"content-type": kind})

    assert answer.status_code == status
    assert answer.json()["error"]["message"]


async def test_a_form_over_the_limit_is_refused(gateway: Gateway) -> None:
    text = gateway.config_file.read_text().replace("[server]", "[server]\nmax_body_mib = 1", 1)
    await gateway.configure(text)

    files = {"file": ("talk.wav", bytes(1 << 20), "audio/wav")}
    answer = await gateway.http.post(TRANSCRIBE, data={"model": "groq:whisper-large-v3"}, files=files)

    assert answer.status_code == 413


async def test_tokens_are_recorded_where_they_are_counted(gateway: Gateway) -> None:
    await send(gateway, "mistral:voxtral-mini-latest")

    [record] = await gateway.records(1)
    assert record.usage is not None
    assert (record.usage.input_total, record.usage.output_total) == (4, 9)


@pytest.mark.parametrize(("said", "kind"), [(b"<html>", "text/html"), (b"{", "application/json")])
async def test_what_is_no_answer_is_told_so(gate: Gateway, upstream: Upstream, said: bytes, kind: str) -> None:
    upstream.answer = response(said, kind=kind)

    assert (await send(gate, "local:m")).status_code == 502
