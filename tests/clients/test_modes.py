"""Dispatch modes, set by the command as a user sets them, and seen in answers, metrics, logs and costs.

The simulator's ledger is the other side's account: what proxyctl counts must be what was really said.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import httpx
import pytest

from .conftest import SetUp
from .home import Home
from .simulated import Simulated, config

FLASH, CLAUDE, LLAMA = "gemini-3.8-flash", "claude-opus-5-5", "llama-3.3-70b-versatile"


@pytest.fixture
def house(daemon: Home, configured: SetUp) -> Home:
    """The running daemon with the config of these tests, which the command may edit and the next test gets anew."""
    del configured
    return daemon


def only(house: Home, *names: str) -> None:
    """Switch off everybody but these."""
    others = [row["name"] for row in house.get("/providers/status")["providers"] if row["name"] not in names]
    house.run("providers", "set", *others, "off")


def served(answer: httpx.Response) -> tuple[str, str, str]:
    """By whom, as which model by header, as which model by body."""
    assert answer.status_code == 200, answer.text
    return answer.headers["x-proxyctl-provider"], answer.headers["x-proxyctl-model"], answer.json()["model"]


def of(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(row for row in rows if name in (row.get("name"), row.get("provider")))


def test_fallback_serves_when_the_primary_fails_and_all_accounts_agree(house: Home, simulated: Simulated) -> None:
    only(house, "gemini")
    assert "groq: off -> fallback" in house.run("providers", "set", "groq", "fallback").stdout
    simulated.fault("status", "gemini", status=503, times=None, message="The model is overloaded.")

    answers = [house.chat(FLASH, f"Question {number}") for number in range(3)]

    assert [served(answer) for answer in answers] == [("groq", LLAMA, LLAMA)] * 3
    assert {answer.headers["x-proxyctl-substitute"] for answer in answers} == {FLASH}
    assert all("This is groq" in answer.text for answer in answers)
    told = simulated.usage()
    assert list(told) == ["groq"], "only an answer costs"
    ledger = told["groq"][LLAMA]

    metrics = house.get("/providers/metrics")
    groq, gemini = of(metrics["providers"], "groq"), of(metrics["providers"], "gemini")
    failed = [seen for seen in simulated.seen("gemini") if seen.status == 503]
    assert (groq["requests"], groq["succeeded"], groq["attempts"]) == (3, 3, 3)
    assert (gemini["requests"], gemini["attempts"], gemini["attempt_failures"]) == (0, len(failed), len(failed))
    assert (groq["tokens"]["input"], groq["tokens"]["output"]) == (ledger["prompt"], ledger["output"])
    assert (gemini["tokens"]["input"], gemini["cost"]) == (0, "0")
    assert metrics["total"]["requests"] == 3

    records = house.get("/providers/logs")["records"][:3]
    assert {(record["requested_model"], record["served_model"], record["provider"]) for record in records} == {
        (FLASH, LLAMA, "groq")
    }
    assert all(record["substitute"] and record["outcome"] == "ok" for record in records)
    assert [record["id"] for record in reversed(records)] == [
        answer.headers["x-proxyctl-request-id"] for answer in answers
    ]
    assert sum(record["usage"]["output"] for record in records) == ledger["output"]
    assert [attempt["provider"] for attempt in records[-1]["attempts"]] == ["gemini", "gemini", "groq"]

    costs = house.get("/providers/costs")
    [line] = costs["lines"]
    assert (line["provider"], line["model"], line["requests"]) == ("groq", LLAMA, 3)
    # USD per million tokens: 0.59 in, 0.79 out (wire notes 2026-11, "models and prices").
    price = (Decimal("0.59") * ledger["prompt"] + Decimal("0.79") * ledger["output"]) / 1_000_000
    assert Decimal(line["cost"]) == Decimal(costs["total"]) == Decimal(groq["cost"]) == price
    assert sum(Decimal(record["cost"]) for record in records) == price


def test_fallback_is_not_asked_while_the_primary_serves(house: Home, simulated: Simulated) -> None:
    house.run("providers", "set", "groq", "fallback")

    assert served(house.chat(FLASH)) == ("gemini", FLASH, FLASH)
    assert simulated.seen("groq") == []


def test_what_the_daemon_counts_is_what_the_providers_said(house: Home, simulated: Simulated) -> None:
    """All providers, whole and streamed, both dialects: the sums of the two sides are equal, class by class."""
    models = {
        "gemini": FLASH,
        "anthropic": "claude-sonnet-5-5",
        "groq": "openai/gpt-oss-120b",
        "together": "Qwen/Qwen3.8-Flash",
        "mistral": "mistral-large-4",
        "local": "local-reasoner",
    }
    for name, model in models.items():
        for stream in (False, True):
            assert house.chat(f"{name}:{model}", "Tell me " * 20, stream=stream).status_code == 200
            assert house.messages(f"{name}:{model}", "Tell me " * 30, stream=stream).status_code == 200

    told, metrics = simulated.usage(), house.get("/providers/metrics")["providers"]

    for name in models:
        [ledger] = told[name].values()
        tokens = of(metrics, name)["tokens"]
        assert of(metrics, name)["requests"] == ledger["requests"] == 4
        assert tokens["input"] + tokens["cache_read"] + tokens["cache_write"] == ledger["prompt"], name
        assert tokens["output"] + tokens["reasoning"] == ledger["output"], name
        assert tokens["reasoning"] in (0, ledger["thinking"]), name
        assert of(metrics, name)["estimated"] == of(metrics, name)["partial"] == 0


def test_cached_tokens_are_counted_apart(house: Home, simulated: Simulated) -> None:
    long = "The same beginning. " * 600
    for _ in range(2):
        assert house.chat(f"groq:{LLAMA}", long).status_code == 200

    tokens = house.get("/providers/metrics/groq")["tokens"]
    ledger = simulated.usage()["groq"][LLAMA]

    assert tokens["cache_read"] == ledger["cached"] > 0
    assert tokens["input"] == ledger["prompt"] - ledger["cached"]


def test_exclusive_takes_everything_that_names_nobody(house: Home) -> None:
    said = house.run("providers", "set", "anthropic", "exclusive")

    assert "anthropic: fallback -> exclusive" in said.stdout
    assert served(house.messages(CLAUDE)) == ("anthropic", CLAUDE, CLAUDE)
    assert served(house.chat(FLASH))[0] == "anthropic"
    assert served(house.chat(f"groq:{LLAMA}"))[0] == "groq"
    states = {row["name"]: (row["state"], row["note"]) for row in house.get("/providers/status")["providers"]}
    assert states["anthropic"][0] == "ready"
    assert states["gemini"][0] == "shadowed"
    assert "anthropic" in states["gemini"][1]


def test_exclusive_does_not_escape_when_it_fails(house: Home, simulated: Simulated) -> None:
    house.run("providers", "set", "anthropic", "exclusive")
    simulated.fault("status", "anthropic", status=529, times=None)

    answer = house.messages(CLAUDE)

    assert (answer.status_code, answer.json()["error"]["type"]) == (529, "overloaded_error")
    assert {seen.provider for seen in simulated.seen()} == {"anthropic"}


def test_second_exclusive_demotes_the_first_and_says_so(house: Home) -> None:
    house.run("providers", "set", "anthropic", "exclusive")

    said = house.run("providers", "set", "groq", "exclusive")

    assert "anthropic: exclusive -> fallback" in said.stdout
    modes = {row["name"]: row["mode"] for row in house.json("providers", "list")["providers"]}
    assert (modes["groq"], modes["anthropic"]) == ("exclusive", "fallback")


def test_off_provider_is_not_asked_and_the_primary_stands_in(house: Home, simulated: Simulated) -> None:
    house.run("providers", "set", "anthropic", "off")

    answer = house.messages(CLAUDE)

    assert served(answer) == ("gemini", "gemini-4-argon", "gemini-4-argon")
    assert answer.headers["x-proxyctl-substitute"] == CLAUDE
    assert simulated.seen("anthropic") == []


def test_prefix_of_an_off_provider_names_the_command_that_enables_it(house: Home) -> None:
    house.run("providers", "set", "anthropic", "off")

    answer = house.messages(f"anthropic:{CLAUDE}")

    assert answer.status_code == 400
    assert "proxyctl providers set anthropic" in answer.json()["error"]["message"]


def test_pooled_providers_share_what_both_serve(house: Home, simulated: Simulated) -> None:
    """Both have gpt-oss-120b, and each new conversation is a new turn."""
    house.run("providers", "set", "groq", "together", "pooled")

    by = [served(house.chat("openai/gpt-oss-120b", f"A question about {number}"))[0] for number in range(10)]

    assert sorted(by) == ["groq"] * 5 + ["together"] * 5
    assert len(simulated.seen("groq")) == len(simulated.seen("together")) == 5


def test_conversation_stays_where_it_began(house: Home) -> None:
    house.run("providers", "set", "groq", "together", "pooled")
    began: list[dict[str, str]] = [{"role": "user", "content": "A conversation of its own"}]

    by = set()
    for number in range(4):
        body = {"model": "openai/gpt-oss-120b", "messages": began}
        by.add(house.http.post(f"{house.url}/v1/chat/completions", json=body).headers["x-proxyctl-provider"])
        began = [*began, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": f"And {number}?"}]

    assert len(by) == 1


def test_pooled_anthropic_serves_its_own_models(house: Home) -> None:
    assert "anthropic: fallback -> pooled" in house.run("providers", "set", "anthropic", "pooled").stdout

    assert served(house.messages(CLAUDE)) == ("anthropic", CLAUDE, CLAUDE)
    assert served(house.messages(FLASH)) == ("gemini", FLASH, FLASH)


def test_explain_says_what_then_happens(house: Home, simulated: Simulated) -> None:
    """The plan is the live path's: its first step answers, its second one when the first fails."""
    house.run("providers", "set", "anthropic", "pooled")
    plan = house.json("explain", CLAUDE)
    first, second = plan["steps"][:2]
    assert (plan["rule"], first["provider"], first["model"], first["substitute"]) == (
        "pooled",
        "anthropic",
        CLAUDE,
        False,
    )
    assert (second["provider"], second["substitute"]) == ("gemini", True)
    assert served(house.messages(CLAUDE))[:2] == (first["provider"], first["model"])

    simulated.fault("status", "anthropic", status=401, times=None)

    assert served(house.messages(CLAUDE))[:2] == (second["provider"], second["model"])


def test_explain_of_a_prefix_leaves_the_others_out(house: Home) -> None:
    plan = house.json("explain", f"groq:{LLAMA}")

    assert plan["rule"] == "prefix"
    assert [(step["provider"], step["lane"]) for step in plan["steps"]] == [("groq", "passthrough")]
    assert {skip["provider"] for skip in plan["skipped"]} >= {"gemini", "anthropic", "mistral"}


def test_explain_shows_the_lane_of_the_callers_dialect(house: Home) -> None:
    lanes = {
        dialect: house.json("explain", f"anthropic:{CLAUDE}", "--dialect", dialect)["steps"][0]["lane"]
        for dialect in ("openai-chat", "anthropic-messages")
    }

    assert lanes == {"openai-chat": "translate", "anthropic-messages": "passthrough"}


@pytest.mark.parametrize("model", ["nonsense", "lama-3.3-70b-versatile"])
def test_explain_refuses_what_a_request_would_be_refused(house: Home, model: str) -> None:
    done = house.run("explain", model, code=1)

    answer = house.chat(model)
    assert answer.status_code == 404
    assert f"error: no provider serves the model '{model}'" in done.stderr
    assert f"no provider serves the model '{model}'" in answer.json()["error"]["message"]
    if model != "nonsense":
        assert LLAMA in done.stderr
        assert LLAMA in answer.text


def test_explain_is_readable(house: Home) -> None:
    shown = house.run("explain", CLAUDE).stdout

    assert re.search(rf"^1 +anthropic +{CLAUDE} +translate +", shown, re.MULTILINE)
    assert re.search(r"^2 +gemini +gemini-4-argon +translate +substitute: ", shown, re.MULTILINE)


def test_aliases_are_tried_in_their_order(house: Home, configured: SetUp, simulated: Simulated) -> None:
    configured(
        config(
            simulated,
            f'[aliases]\nfast = ["groq:{LLAMA}", "gemini:{FLASH}"]\n"gpt-*" = ["mistral:mistral-large-4"]',
        )
    )

    assert served(house.chat("fast"))[:2] == ("groq", LLAMA)
    assert served(house.chat("gpt-7-nobody-has"))[:2] == ("mistral", "mistral-large-4")
    simulated.fault("reset", "groq", times=None)
    assert served(house.chat("fast"))[:2] == ("gemini", FLASH)
    assert house.json("explain", "fast")["rule"] == "alias"
    listed = house.http.get(f"{house.url}/v1/models").json()["data"]
    assert "fast" in {entry["id"] for entry in listed}


def test_substitutes_can_be_refused_by_header(house: Home, simulated: Simulated) -> None:
    house.run("providers", "set", "anthropic", "off")
    body = {"model": CLAUDE, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}

    answer = house.http.post(
        f"{house.url}/v1/messages", json=body, headers={"x-proxyctl-substitute": "never", "x-api-key": "k"}
    )

    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")
    assert simulated.seen() == []


def test_substitutes_can_be_refused_by_config(house: Home, configured: SetUp, simulated: Simulated) -> None:
    text = config(simulated).replace("[routing]", "[routing]\nsubstitute = false")
    configured(text)
    house.run("providers", "set", "anthropic", "off")

    assert house.chat(CLAUDE).status_code == 404
    assert simulated.seen() == []


def test_prefix_falls_back_only_when_it_is_allowed(house: Home, simulated: Simulated) -> None:
    simulated.fault("status", "gemini", status=503, times=None)
    body = {"model": f"gemini:{FLASH}", "messages": [{"role": "user", "content": "Hi"}]}

    alone = house.http.post(f"{house.url}/v1/chat/completions", json=body)
    allowed = house.http.post(f"{house.url}/v1/chat/completions", json=body, headers={"x-proxyctl-fallback": "allow"})

    assert alone.status_code == 503
    assert served(allowed)[0] != "gemini"


def test_commands_edit_the_file_and_keep_what_its_owner_wrote(house: Home, simulated: Simulated) -> None:
    text = config(simulated).replace("[providers.groq]", "# Cheap and quick.\n[providers.groq]")
    house.config_file.write_text(text)

    house.run("providers", "set", "groq", "pooled")

    assert house.config_file.read_text() == text.replace(
        '[providers.groq]\nmode = "fallback"', '[providers.groq]\nmode = "pooled"'
    )


def test_provider_is_added_tried_and_removed_by_the_command(house: Home, simulated: Simulated) -> None:
    house.run("providers", "add", "box", "--base-url", simulated.urls["local"], "--key-env", "SIMULATED_KEY")

    assert served(house.chat("box:local-llama"))[:2] == ("box", "local-llama")
    assert "box" in house.run("providers", "test", "box").stdout
    house.run("providers", "remove", "box")
    assert house.chat("box:local-llama").status_code == 404


def test_commands_show_what_the_api_says(house: Home) -> None:
    house.chat(FLASH)

    assert house.json("metrics")["total"]["requests"] == house.get("/providers/metrics")["total"]["requests"] == 1
    assert house.json("logs")["records"][0] == house.get("/providers/logs")["records"][0]
    assert house.json("costs") == house.get("/providers/costs")
    assert FLASH in house.run("logs").stdout
    assert "gemini" in house.run("metrics").stdout
    assert FLASH in house.run("costs").stdout
