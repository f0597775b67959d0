"""The benchmark runs and its answers are right; how fast they are is no test's business."""

from __future__ import annotations

import io
import shutil

import pytest
from rich.console import Console

from tests.bench.__main__ import run, scenarios, show


@pytest.mark.slow
def test_every_scenario_is_answered_by_every_proxy() -> None:
    figures, single = run(0.01, rounds=1)

    proxies = {"proxyctl", "plain", *(["nginx"] if shutil.which("nginx", path="/usr/sbin:/usr/bin") else [])}
    names = [scenario.name for scenario in scenarios(1)]
    passed = {(proxy, name) for proxy in proxies for name in names[:2]}
    assert set(figures) == {*passed, *(("proxyctl", name) for name in names[2:]), *(("direct", name) for name in names)}
    assert set(single) == {"ready_s", "help_s", "idle_mib"}
    shown = io.StringIO()
    show(figures, single, Console(file=shown, width=120))
    assert "at most 20" in shown.getvalue()
