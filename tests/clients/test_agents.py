"""Real coding agents before their own provider and before foreign ones: they ask, run their tools, and tell the answer.

The simulated model is told which of the agent's own tools to call (`Simulated.script`); everything else is as in daily
use. What reaches the providers is judged by their rules: a refused request fails the agent, and the test.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from .agent_process import (
    AGENTS,
    CLAUDE,
    CODEX,
    COPY,
    DOCUMENTED,
    FOLDER,
    GEMINI_CLI,
    MARKER,
    OPENCODE,
    PROMPT,
    Agent,
    block,
)
from .conftest import SetUp
from .home import Done, Home, eventually
from .simulated import Simulated, config
from .targets import PNG

FOREIGN_NAMES = """\
[aliases]
"gpt-5.6-luna" = ["local:gpt-5.6-luna"]
"gpt-5.6-sol" = ["gemini:gemini-3.8-flash"]
"gpt-5.6-terra" = ["anthropic:claude-sonnet-5-5"]
"gemini-3.8-flash" = ["anthropic:claude-sonnet-5-5"]
"gemini-3.5-flash-lite" = ["groq:openai/gpt-oss-120b"]
"""
"""Names that the agents know, served by others."""
IN_CODE = (
    'await tools.exec_command({cmd: "cp notes.txt copy.txt"}); '
    'const seen = await tools.exec_command({cmd: "cat copy.txt"}); text(seen)'
)

LOOPS = [
    (CLAUDE, "claude-sonnet-5-5", "anthropic", "passthrough"),
    (CLAUDE, "gemini:gemini-3.8-flash", "gemini", "translate"),
    (CLAUDE, "groq:llama-3.3-70b-versatile", "groq", "translate"),
    (CLAUDE, "mistral:mistral-large-4", "mistral", "translate"),
    (CLAUDE, "cohere:command-a-plus-05-2026", "cohere", "translate"),
    (CLAUDE, "together:Qwen/Qwen3.8-Flash", "together", "translate"),
    (CODEX, "openai:gpt-5.4-mini", "openai", "passthrough"),
    (CODEX, "local:gpt-4.1", "local", "translate"),
    (CODEX, "gemini:gemini-3.8-flash", "gemini", "translate"),
    (CODEX, "anthropic:claude-sonnet-5-5", "anthropic", "translate"),
    (CODEX, "cohere:command-a-plus-05-2026", "cohere", "translate"),
    (GEMINI_CLI, "gemini-3.8-flash", "gemini", "passthrough"),
    (GEMINI_CLI, "anthropic:claude-sonnet-5-5", "anthropic", "translate"),
    (GEMINI_CLI, "groq:openai/gpt-oss-120b", "groq", "translate"),
    (OPENCODE, "groq:openai/gpt-oss-120b", "groq", "passthrough"),
    (OPENCODE, "anthropic:claude-sonnet-5-5", "anthropic", "translate"),
]


def installed(agent: Agent) -> Agent:
    missing = agent.what_is_missing()
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return agent


def check_success(done: Done, folder: Path) -> None:
    """It ended well, its tool ran here, and what the tool saw came back as the answer."""
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert MARKER in (folder / "work" / COPY).read_text()
    assert MARKER in done.stdout, f"{done.stdout}\n{done.stderr}"


def records(daemon: Home, since: float, count: int) -> list[dict[str, Any]]:
    """The records of the exchanges that began after `since`, oldest first, once there are `count` of them."""

    def found() -> list[dict[str, Any]] | None:
        rows = [row for row in daemon.get("/providers/logs?limit=50")["records"] if row["started_at"] >= since]
        return rows if len(rows) >= count else None

    return eventually(found)[::-1]


@pytest.mark.parametrize(
    ("agent", "model", "provider", "lane"), LOOPS, ids=[f"{agent.name}-{provider}" for agent, _, provider, _ in LOOPS]
)
def test_tool_loop(
    agent: Agent, model: str, provider: str, lane: str, daemon: Home, simulated: Simulated, tmp_path: Path
) -> None:
    began = time.time()
    simulated.script([installed(agent).copies.within(tmp_path / "work")], [agent.reads.within(tmp_path / "work")])

    done = agent.run(tmp_path, daemon.url, model)

    check_success(done, tmp_path)
    assert simulated.scripted() == 0
    seen = simulated.seen()
    assert {(one.provider, one.status) for one in seen} == {(provider, 200)}
    kept = records(daemon, began, len(seen))
    assert [row["outcome"] for row in kept] == ["ok"] * len(seen)
    assert all(agent.client in row["client"] and row["provider"] == provider for row in kept)
    loop = [row for row, one in zip(kept, seen, strict=True) if one.body.get("tools")]
    assert [(row["lane"], row["finish"]) for row in loop] == [(lane, "tool"), (lane, "tool"), (lane, "end")]
    assert all(row["usage"]["input"] > 0 and row["usage"]["output"] > 0 for row in kept)
    lost = {re.sub(r"\d+", "", loss["path"]) for row in kept for loss in row.get("losses", ())}
    assert lost <= (agent.losses if lane == "translate" else frozenset())


@pytest.mark.parametrize("model", ["gpt-5.6-luna", "gpt-5.6-sol", "gpt-5.6-terra"])
def test_codex_offers_its_tools_inside_the_conversation_for_models_that_it_knows(
    model: str, daemon: Home, configured: SetUp, simulated: Simulated, tmp_path: Path
) -> None:
    """Its own code mode: one tool takes JavaScript, which calls the others."""
    configured(config(simulated, FOREIGN_NAMES))
    simulated.script([("functions__exec", {"input": IN_CODE})])

    done = installed(CODEX).run(tmp_path, daemon.url, model)

    check_success(done, tmp_path)


def test_codex_with_its_built_in_provider_gives_up_its_websocket_at_once(
    daemon: Home, simulated: Simulated, tmp_path: Path
) -> None:
    simulated.script([CODEX.copies.within(tmp_path)], [CODEX.reads.within(tmp_path)])
    began = time.time()

    done = installed(CODEX).run(
        tmp_path,
        daemon.url,
        "gpt-5.4-mini",
        files={".codex/config.toml": block("codex built-in config.toml")},
        OPENAI_API_KEY="unused",
        CODEX_API_KEY="unused",
    )

    check_success(done, tmp_path)
    assert "Reconnecting" not in done.stderr
    assert [row["outcome"] for row in records(daemon, began, 3)] == ["ok"] * 3


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "gemini:gemini-3.8-flash", "mistral:mistral-large-4"])
def test_claude_sends_images_and_failures_of_parallel_tools(
    model: str, daemon: Home, simulated: Simulated, tmp_path: Path
) -> None:
    """Its results come in the order in which they were ready, failures first, and an image has no text beside it."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "dot.png").write_bytes(base64.b64decode(PNG))
    simulated.script(
        [
            ("Read", {"file_path": str(work / "dot.png")}),
            ("Read", {"file_path": str(work / "missing.txt")}),
            CLAUDE.copies.within(work),
        ],
        [CLAUDE.reads.within(work)],
    )

    done = installed(CLAUDE).run(tmp_path, daemon.url, model)

    check_success(done, tmp_path)
    assert "image/png" in simulated.seen()[-1].raw.decode()
    assert "File does not exist" in simulated.seen()[-1].raw.decode()


def test_claude_finds_the_models_of_the_gateway(daemon: Home, simulated: Simulated, tmp_path: Path) -> None:
    simulated.script()

    done = installed(CLAUDE).run(
        tmp_path, daemon.url, "claude-sonnet-5-5", "Say hello", CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY="1"
    )

    assert done.returncode == 0, done.stderr
    assert "anthropic with claude-sonnet-5-5" in done.stdout


def test_gemini_cli_routes_between_models_that_others_serve(
    daemon: Home, configured: SetUp, simulated: Simulated, tmp_path: Path
) -> None:
    """Left to choose, it asks a small model for the right one, as JSON in a schema with upper-case types."""
    configured(config(simulated, FOREIGN_NAMES))
    simulated.script([GEMINI_CLI.copies.within(tmp_path / "work")], [GEMINI_CLI.reads.within(tmp_path / "work")])

    done = installed(GEMINI_CLI).run(tmp_path, daemon.url, "auto")

    check_success(done, tmp_path)
    assert [one.provider for one in simulated.seen()] == ["groq", "anthropic", "anthropic", "anthropic"]


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: str(agent.name))
def test_refusal_is_told_and_ends_in_failure(agent: Agent, daemon: Home, simulated: Simulated, tmp_path: Path) -> None:
    """An agent that retried a refusal for minutes would meet the limit."""
    simulated.fault("status", "groq", status=400, times=None, message="the planned refusal")

    done = installed(agent).run(tmp_path, daemon.url, "groq:openai/gpt-oss-120b", PROMPT)

    assert "the planned refusal" in done.stdout + done.stderr
    assert done.returncode != 0


def test_versions_are_exact_and_the_lock_names_no_host() -> None:
    """They must install from whatever registry the machine uses, and the same bytes from all of them."""
    wanted = json.loads((FOLDER / "package.json").read_text())["optionalDependencies"]
    lock = json.loads((FOLDER / "package-lock.json").read_text())

    locked = {path.removeprefix("node_modules/"): entry for path, entry in lock["packages"].items() if path}
    tried = {version.rpartition("@")[2].partition("-")[0] for version in wanted.values()}
    assert all(f" | {version} | CI | " in DOCUMENTED for version in tried)
    assert {name: locked[name]["version"] for name in wanted} == {
        name: version.rpartition("@")[2] for name, version in wanted.items()
    }
    assert all("resolved" not in entry and entry["integrity"] for entry in locked.values())
