"""The benchmark runs and its answers are right; how fast they are is no test's business."""

from __future__ import annotations

import io
import shutil

import pytest
from rich.console import Console

from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.dialects.traits import PERMISSIVE
from tests.bench.__main__ import PASSED, run, scenarios, show
from tests.bench.conversation import MESSAGES, conversation
from tests.bench.measure import Figures


@pytest.mark.slow
def test_every_scenario_is_answered_by_every_proxy() -> None:
    measured, single = run(0.05, rounds=1)

    rivals = {"plain", *(["nginx"] if shutil.which("nginx", path="/usr/sbin:/usr/bin") else [])}
    assert set(measured) == {
        (label, scenario.name)
        for scenario in scenarios(1)
        for label in ({"direct", "proxyctl"} | (rivals if scenario.model == PASSED else {"passed"}))
    }
    assert set(single) == {"ready_s", "help_s", "idle_mib", "conversation_ms"}
    shown = io.StringIO()
    show(measured, single, Console(file=shown, width=120))
    assert "at most 20" in shown.getvalue()


def test_the_conversation_is_as_long_as_it_says() -> None:
    asked = conversation()

    assert len(asked.messages) == MESSAGES
    assert 180_000 < len(encode_json(UPSTREAM["openai-chat"].encode_request(asked, PERMISSIVE, Losses()))) < 220_000


def test_proxies_are_compared_within_a_round() -> None:
    """A slow minute of the machine is nobody's fault."""
    ours = Figures(cpu=(200.0, 800.0, 220.0), wait=(2.0, 8.0, 2.5))
    theirs = Figures(cpu=(20.0, 80.0, 20.0), wait=(1.0, 4.0, 1.0))

    assert ours.cpu_in(theirs) == 10
    assert ours.waits_longer_than(theirs) == 1.5
    assert ours.cpu_us == 220
