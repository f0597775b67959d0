"""`x-proxyctl-strict`: refused rather than served with something left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.errors import BadRequestError, WouldLoseError
from proxyctl.core.losses import Losses
from proxyctl.gateway.strict import LONGEST_TOLD, MOST_TOLD, Wish, refuse_losses, strict_wish
from proxyctl.simulator import Fault
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import KEYED, Upstream, response

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
STRICT = {"x-proxyctl-strict": "1"}
OPUS = "anthropic:claude-opus-5-5"
OLDER = "anthropic:claude-haiku-4-5"
LLAMA = "groq:llama-3.3-70b-versatile"
LOSSY: dict[str, Any] = {"temperature": 0.2}
"""Claude Opus 5.5 takes no sampling parameters: it is dropped, as a loss."""

PAUSED = {
    "id": "msg_01",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5-5",
    "content": [{"type": "text", "text": "Let me look further."}],
    "stop_reason": "pause_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 5},
}
"""An answer whose provider wants to be asked to go on, as the Messages API documents it: chat has no such end."""


def sent(gateway: Gateway) -> list[dict[str, Any]]:
    """The bodies that providers were sent."""
    return [json.loads(entry.body) for entry in gateway.simulator.ledger.entries if entry.method == "POST"]


async def with_alias(gateway: Gateway, *targets: str, routing: str = "") -> None:
    text = gateway.config_file.read_text().replace("[routing]\n", f"[routing]\n{routing}\n")
    await gateway.configure(f"{text}\n[aliases]\nboth = {json.dumps(targets)}\n")


async def with_strict_alias(gateway: Gateway, *targets: str, name: str = "whole") -> None:
    text = gateway.config_file.read_text()
    await gateway.configure(f'{text}\n[aliases."{name}"]\ntargets = {json.dumps(targets)}\nstrict = true\n')


async def test_what_was_left_out_of_a_request_that_failed_is_told(gateway: Gateway) -> None:
    """It may be why."""
    gateway.simulator.fault(Fault(kind="status", provider="anthropic", status=400))

    answer = await gateway.http.post(CHAT, json=gateway.chat(OPUS, **LOSSY))

    [record] = await gateway.records(1)
    assert (answer.status_code, answer.headers["x-proxyctl-losses"]) == (400, "1")
    assert [loss.path for loss in record.losses] == ["temperature"]


async def test_what_would_be_lost_is_listed_and_nothing_is_sent(gateway: Gateway) -> None:
    body = gateway.chat(OPUS, temperature=0.2, logit_bias={"1": 2})

    answer = await gateway.http.post(CHAT, json=body, headers=STRICT)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "would_lose")
    assert OPUS in error["message"]
    assert "temperature (" in error["message"]
    assert "logit_bias (" in error["message"]
    assert sent(gateway) == []
    [record] = await gateway.records(1)
    assert (record.outcome, record.status, record.attempts) == ("refused", 400, ())
    assert [loss.path for loss in record.losses] == ["logit_bias", "temperature"]


@pytest.mark.parametrize("value", ["1", "true", "YES"])
async def test_any_yes_is_a_yes(gateway: Gateway, value: str) -> None:
    answer = await gateway.http.post(CHAT, json=gateway.chat(OPUS, **LOSSY), headers={"x-proxyctl-strict": value})

    assert answer.status_code == 400


@pytest.mark.parametrize("value", [None, "0", "false", "no"])
async def test_who_does_not_ask_is_served_and_told(gateway: Gateway, value: str | None) -> None:
    headers = {} if value is None else {"x-proxyctl-strict": value}

    answer = await gateway.http.post(CHAT, json=gateway.chat(OPUS, **LOSSY), headers=headers)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-proxyctl-losses"] == "1"


@pytest.mark.parametrize("value", ["", "2", "on", "1,0"])
async def test_a_value_that_is_neither_is_refused_in_the_callers_dialect(gateway: Gateway, value: str) -> None:
    """A misspelt wish that is silently ignored would lose what its caller wanted kept."""
    body = gateway.chat("gemini-3.8-flash", max_tokens=20)

    answer = await gateway.http.post(MESSAGES, json=body, headers={"x-proxyctl-strict": value})

    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    assert "x-proxyctl-strict" in answer.json()["error"]["message"]
    assert sent(gateway) == []


async def test_a_request_that_survives_whole_is_served(gateway: Gateway) -> None:
    answer = await gateway.http.post(CHAT, json=gateway.chat(OPUS), headers=STRICT)

    assert answer.status_code == 200, answer.text
    assert "x-proxyctl-losses" not in answer.headers
    assert "x-proxyctl-strict" not in gateway.simulator.ledger.entries[-1].headers


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_an_alias_may_ask_for_all_or_nothing(gateway: Gateway, stream: bool) -> None:
    await with_strict_alias(gateway, OPUS)

    answer = await gateway.http.post(CHAT, json=gateway.chat("whole", stream=stream, **LOSSY))

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "would_lose", "temperature")
    assert error["message"].startswith("strict, as the alias 'whole' asks: nobody can be sent this request whole; ")
    assert "temperature (" in error["message"]
    assert "x-proxyctl-strict: 0" in error["message"]
    assert sent(gateway) == []


async def test_a_strict_alias_passes_over_who_would_lose(gateway: Gateway) -> None:
    await with_strict_alias(gateway, OPUS, LLAMA)

    answer = await gateway.http.post(CHAT, json=gateway.chat("whole", **LOSSY))

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-proxyctl-provider"] == "groq"


@pytest.mark.parametrize("value", ["0", "false", "no"])
async def test_a_header_lifts_it_for_one_request(gateway: Gateway, value: str) -> None:
    await with_strict_alias(gateway, OPUS)

    answer = await gateway.http.post(CHAT, json=gateway.chat("whole", **LOSSY), headers={"x-proxyctl-strict": value})

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-proxyctl-losses"] == "1"


async def test_a_strict_alias_may_be_a_pattern_and_holds_for_messages_as_well(gateway: Gateway) -> None:
    await with_strict_alias(gateway, "anthropic:{model}", name="claude-*")
    body = {**gateway.chat("claude-opus-5-5", max_tokens=20), **LOSSY}

    answer = await gateway.http.post(MESSAGES, json=body)

    assert answer.status_code == 400
    assert "as the alias 'claude-*' asks" in answer.json()["error"]["message"]


async def test_embeddings_by_a_strict_alias(gateway: Gateway) -> None:
    await with_strict_alias(gateway, "gemini:gemini-embedding-001")

    answer = await gateway.http.post("/v1/embeddings", json={"model": "whole", "input": "words", "x_unknown": 1})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "would_lose")


async def test_a_reload_says_what_changed_of_an_alias_and_puts_it_in_force(gateway: Gateway) -> None:
    text = gateway.config_file.read_text()
    targets = json.dumps([OPUS])
    await gateway.configure(f"{text}\n[aliases]\nwhole = {targets}\ngone = {targets}\n")

    gateway.config_file.write_text(
        f"{text}\n[aliases.whole]\ntargets = {targets}\nstrict = true\n[aliases]\nnew = {targets}\n"
    )
    changed = (await gateway.state.reload()).changed
    answer = await gateway.http.post(CHAT, json=gateway.chat("whole", **LOSSY))

    assert changed == ("alias whole: strict", "alias gone: removed", "alias new: added")
    assert answer.status_code == 400


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_next_that_can_carry_it_whole_serves(gateway: Gateway, stream: bool) -> None:
    await with_alias(gateway, OPUS, LLAMA)

    answer = await gateway.http.post(CHAT, json=gateway.chat("both", stream=stream, **LOSSY), headers=STRICT)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-proxyctl-provider"] == "groq"
    assert answer.headers["x-proxyctl-attempts"] == "1"
    assert "x-proxyctl-losses" not in answer.headers
    [body] = sent(gateway)
    assert body["temperature"] == 0.2
    [record] = await gateway.records(1)
    assert [attempt.provider for attempt in record.attempts] == ["groq"]


async def test_another_model_of_the_same_provider_may_carry_it(gateway: Gateway) -> None:
    await with_alias(gateway, OPUS, OLDER)

    answer = await gateway.http.post(CHAT, json=gateway.chat("both", **LOSSY), headers=STRICT)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-proxyctl-model"] == OLDER.partition(":")[2]


async def test_what_was_not_sent_costs_no_budget(gateway: Gateway) -> None:
    await with_alias(gateway, OPUS, LLAMA, routing="max_deployments = 1")

    answer = await gateway.http.post(CHAT, json=gateway.chat("both", **LOSSY), headers=STRICT)

    assert answer.status_code == 200, answer.text


async def test_a_failure_does_not_fall_back_to_who_would_lose(gateway: Gateway) -> None:
    await with_alias(gateway, LLAMA, OPUS)
    gateway.simulator.fault(Fault(kind="status", provider="groq", status=503, times=None))

    answer = await gateway.http.post(CHAT, json=gateway.chat("both", **LOSSY), headers=STRICT)

    assert answer.status_code == 503
    [record] = await gateway.records(1)
    assert {attempt.provider for attempt in record.attempts} == {"groq"}


async def test_a_refusal_about_losses_is_told_before_one_without_any_way(gateway: Gateway) -> None:
    """An image cannot be sent to the first at all; to the second the request could be sent, without its temperature."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    await with_alias(gateway, LLAMA, OPUS)
    body = gateway.chat("both", **LOSSY)
    body["messages"] = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]

    answer = await gateway.http.post(CHAT, json=body, headers=STRICT)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "would_lose")
    assert OPUS in answer.json()["error"]["message"]


async def test_a_field_dropped_from_passing_bytes_is_a_loss_too(gateway: Gateway) -> None:
    body = {**gateway.chat(OPUS, max_tokens=20), **LOSSY}

    answer = await gateway.http.post(MESSAGES, json=body, headers=STRICT)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "temperature (" in answer.json()["error"]["message"]
    assert sent(gateway) == []


async def test_responses_are_refused_in_their_own_shape(gateway: Gateway) -> None:
    body = {"model": OPUS, "input": "Hello", "max_output_tokens": 200, **LOSSY}

    answer = await gateway.http.post(RESPONSES, json=body, headers=STRICT)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "would_lose")


async def test_gemini_callers_are_refused_in_their_own_shape(gateway: Gateway) -> None:
    body = {
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "generationConfig": {"temperature": 0.2, "maxOutputTokens": 200},
    }

    answer = await gateway.http.post(f"/v1beta/models/{OPUS}:generateContent", json=body, headers=STRICT)

    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    assert "temperature (" in error["message"]


async def test_embeddings_are_strict_as_well(gateway: Gateway) -> None:
    body = {"model": "gemini:gemini-embedding-001", "input": "words", "x_unknown": 1}
    loose = await gateway.http.post("/v1/embeddings", json=body)

    strict = await gateway.http.post("/v1/embeddings", json=body, headers=STRICT)

    assert loose.headers["x-proxyctl-losses"] == "1"
    assert (strict.status_code, strict.json()["error"]["code"]) == (400, "would_lose")
    assert len(sent(gateway)) == 1


async def test_what_only_the_answer_loses_is_counted_and_does_not_fail(
    start_gateway: StartGateway, upstream: Upstream
) -> None:
    """It shows when the answer is there, and paid for: nobody could have refused it before."""
    upstream.answer = response(json.dumps(PAUSED).encode())
    gate = await start_gateway(upstream.config(keyed=True, kind="anthropic"), KEYED)

    answer = await gate.http.post(CHAT, json=gate.chat(OPUS), headers=STRICT)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-proxyctl-losses"] == "1"
    [record] = await gate.records(1)
    assert [loss.path for loss in record.losses] == ["finish_reason"]


@pytest.mark.parametrize("alias", ["", "a" * 1000], ids=["header", "alias"])
def test_a_refusal_is_bounded(alias: str) -> None:
    losses = Losses()
    for number in range(MOST_TOLD + 5):
        losses.add(f"field{number}.{'x' * 1000}", "y" * 1000)

    with pytest.raises(WouldLoseError) as caught:
        refuse_losses(losses, "p:" + "m" * 1000, Wish(alias))

    message = caught.value.message
    assert message.endswith("; and 5 more")
    assert message.count("field") == MOST_TOLD
    assert len(message) < (2 * MOST_TOLD + 3) * (LONGEST_TOLD + 10)
    assert caught.value.param == losses.entries()[0].path


@pytest.mark.parametrize(
    ("header", "alias", "expected"),
    [
        (None, "", None),
        (None, "fast", Wish("fast")),
        (b"1", "", Wish()),
        (b"1", "fast", Wish()),
        (b"0", "fast", None),
        (b"0", "", None),
    ],
)
def test_the_header_decides_before_the_alias(header: bytes | None, alias: str, expected: Wish | None) -> None:
    assert strict_wish({} if header is None else {b"x-proxyctl-strict": header}, alias) == expected


def test_no_losses_are_no_refusal() -> None:
    refuse_losses(Losses(), "p:m", Wish())


def test_a_long_value_is_told_short() -> None:
    with pytest.raises(BadRequestError) as caught:
        strict_wish({b"x-proxyctl-strict": b"z" * 10_000}, "")

    assert len(caught.value.message) < LONGEST_TOLD + 100
