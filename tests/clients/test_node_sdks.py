"""The official Node clients before all providers: OpenAI's, Anthropic's, Google's, and the AI SDK with its packages.

Each runs its own tool loop where it has one. They are looser judges than the Python SDKs, and other ones: other parsers
of streams, other ways to write a history.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from proxyctl.simulator.beside import vector

from .home import Home
from .node_process import FOLDER, NodeClients, node_clients, what_is_missing
from .simulated import Simulated
from .targets import ARGUMENTS, EMBEDDERS, ONE_CALL, TOOL_NAME, TWO_CALLS, Target

FINISHES = {
    "openai-chat": "stop",
    "openai-responses": "completed",
    "anthropic": "end_turn",
    "google": "STOP",
    "ai-openai": "stop",
    "ai-openai-chat": "stop",
    "ai-compatible": "stop",
    "ai-anthropic": "stop",
    "ai-google": "stop",
}
"""The clients, and what each says of an answer that came to its end."""
MORNING = "Good morning"

every_client = pytest.mark.parametrize("client", FINISHES)


class Ask(Protocol):
    """What a client saw of one scenario."""

    def __call__(self, client: str, scenario: str, model: str, text: str = MORNING) -> dict[str, Any]: ...


@pytest.fixture(scope="session")
def node() -> Iterator[NodeClients]:
    missing = what_is_missing()
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    with node_clients() as clients:
        yield clients


@pytest.fixture
def ask(node: NodeClients, daemon: Home) -> Ask:
    def ask(client: str, scenario: str, model: str, text: str = MORNING) -> dict[str, Any]:
        return node.ask(client, scenario, base=daemon.url, model=model, text=text)

    return ask


def named(client: str, target: Target) -> str:
    """The model as the client tells it: the AI SDK's Google package repeats what was asked for."""
    return target.named(target.plain) if client == "ai-google" else target.plain


@every_client
@pytest.mark.parametrize("scenario", ["plain", "stream"])
def test_answer(ask: Ask, client: str, target: Target, scenario: str, simulated: Simulated) -> None:
    seen = ask(client, scenario, target.named(target.plain))

    assert "error" not in seen, seen
    assert seen["text"].endswith(f"You wrote: {MORNING}")
    assert (seen["finish"], seen["model"]) == (FINISHES[client], named(client, target))
    [upstream] = simulated.seen()
    assert upstream.usage is not None
    assert seen["output"] == upstream.usage["output"]
    if scenario == "stream":
        assert seen["pieces"] > 3


@every_client
@pytest.mark.parametrize(("scenario", "text"), [("tools", ONE_CALL), ("streamed_tools", TWO_CALLS)])
def test_tool_loop(ask: Ask, client: str, target: Target, scenario: str, text: str) -> None:
    seen = ask(client, scenario, target.named(target.plain), text)

    assert "error" not in seen, seen
    calls = 2 if text == TWO_CALLS else 1
    assert seen["ran"] == [[TOOL_NAME, ARGUMENTS]] * calls
    assert seen["finish"] == FINISHES[client]
    assert all(f"{number} degrees" in seen["text"] for number in range(1, calls + 1))


@every_client
@pytest.mark.parametrize("scenario", ["plain", "stream"])
@pytest.mark.parametrize(("status", "seen_as"), [(400, 400), (401, 502), (429, 429), (500, 502)])
def test_upstream_error_reaches_the_client_with_its_status_and_words(
    ask: Ask, client: str, scenario: str, status: int, seen_as: int, simulated: Simulated
) -> None:
    simulated.fault("status", "gemini", status=status, times=None, message="planned")

    seen = ask(client, scenario, "gemini:gemini-3.8-flash")

    assert seen["error"]["status"] == seen_as, seen
    assert "planned" in seen["error"]["message"]


@every_client
def test_refusal_of_every_provider_keeps_its_status_and_words(
    ask: Ask, client: str, target: Target, simulated: Simulated
) -> None:
    """Whatever shape the provider's own errors have."""
    simulated.fault("status", target.provider, status=400, times=None, message="planned")

    seen = ask(client, "plain", target.named(target.plain))

    assert seen["error"]["status"] == 400, seen
    assert "planned" in seen["error"]["message"]


@every_client
def test_unknown_model_is_not_found(ask: Ask, client: str) -> None:
    seen = ask(client, "plain", "nonsense")

    assert seen["error"]["status"] == 404, seen
    assert "nonsense" in seen["error"]["message"]


@every_client
def test_broken_stream_is_thrown(ask: Ask, client: str, target: Target, simulated: Simulated) -> None:
    simulated.pace(words=80)
    simulated.fault("cut", target.provider, after_frames=20)

    seen = ask(client, "stream", target.named(target.plain))

    assert "error" in seen, seen


def test_ai_sdk_may_name_the_items_that_it_was_answered(ask: Ask, target: Target) -> None:
    """By default it does not send reasoning and text again that came with an id, but names them: they are kept here."""
    seen = ask("ai-openai-stored", "tools", target.named(target.plain), ONE_CALL)

    assert "error" not in seen, seen
    assert seen["ran"] == [[TOOL_NAME, ARGUMENTS]]
    assert "1 degrees" in seen["text"]


def test_versions_are_exact_and_the_lock_names_no_host() -> None:
    """It must install from whatever registry the machine uses, and the same bytes from all of them."""
    asked = json.loads((FOLDER / "package.json").read_text())
    lock = json.loads((FOLDER / "package-lock.json").read_text())

    wanted = asked["dependencies"] | asked["optionalDependencies"]
    locked = {path.removeprefix("node_modules/"): entry for path, entry in lock["packages"].items() if path}
    assert {name: locked[name]["version"] for name in wanted} == wanted
    assert all("resolved" not in entry and entry["integrity"] for entry in locked.values())


@pytest.mark.parametrize("client", ["google", "ai-google-vectors"])
@pytest.mark.parametrize("text", ["one", "one|two"])
@pytest.mark.parametrize("provider", EMBEDDERS)
def test_vectors(ask: Ask, client: str, provider: str, text: str) -> None:
    """For one text the AI SDK asks by `embedContent`, Google's package by `batchEmbedContents` as for several."""
    model, size = EMBEDDERS[provider]

    seen = ask(client, "embed", model if provider == "gemini" else f"{provider}:{model}", text)

    assert seen.get("vectors") == [vector(one, size) for one in text.split("|")], seen.get("error")


def test_tokens_are_counted(ask: Ask, target: Target) -> None:
    seen = ask("google", "count", target.named(target.plain))

    assert "error" not in seen, seen
    if target.provider in ("gemini", "anthropic"):
        assert seen["tokens"] == len(MORNING) // 4
    else:  # an estimate, which depends on what this daemon has learnt
        assert 1 <= seen["tokens"] <= 4 * len(MORNING)
