"""What is tried in each cell of the matrix: whole and streamed, loops to their end, failures to their exception.

A feature raises what its SDK raises, or `AssertionError` where something is wrong, and returns what a user should know.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.clients.home import Home
from tests.clients.simulated import Seen, Simulated
from tests.clients.targets import ARGUMENTS, ONE_CALL, PNG, Target

from .heard import FORECAST, TOOLS, Caller, Forecast, Heard, Question, Told, Turn
from .upstream import asks_for_effort, brings_proof_back
from .wire import Answered

MORNING = "Good morning"
TWO_TOOLS = "Weather in Lisbon, and in parallel its tides"
PICTURE = base64.b64decode(PNG)
URL_SAFE = bytes.maketrans(b"-_", b"+/")
"""Google's SDK writes base64 in this alphabet, and Gemini reads both."""
THOUGHT = "The user wrote: "
LATER = 7
"""Seconds until a limited provider wants to be asked again."""
BOTH = (False, True)


@dataclass(frozen=True)
class Bench:
    """What one cell is tried with."""

    home: Home
    simulated: Simulated
    caller: Caller
    target: Target

    def ask(
        self, turns: Sequence[Turn], *, streamed: bool, model: str = "", tools: Sequence[str] = (), thinks: bool = False
    ) -> Told:
        named = self.target.named(model or self.target.plain)
        return self.caller.ask(Question(model=named, turns=turns, tools=tools, thinks=thinks), streamed=streamed)

    def seen(self) -> list[Seen]:
        return self.simulated.seen(self.target.provider)


Notes = tuple[str, ...]


def plain(bench: Bench) -> Notes:
    _answer(bench, streamed=False)
    return ()


def stream(bench: Bench) -> Notes:
    assert _answer(bench, streamed=True) == _answer(bench, streamed=False)
    return ()


def _answer(bench: Bench, *, streamed: bool) -> Heard:
    told = bench.ask([bench.caller.asking(MORNING)], streamed=streamed).heard
    assert told.text.endswith(f"You wrote: {MORNING}"), told
    assert (told.calls, told.finish) == ((), bench.caller.ends[0]), told
    return told


def tools(bench: Bench) -> Notes:
    return _loops(bench, ONE_CALL, list(TOOLS)[:1])


def parallel(bench: Bench) -> Notes:
    return _loops(bench, TWO_TOOLS, list(TOOLS))


def _loops(bench: Bench, text: str, names: list[str], *, thinks: bool = False) -> Notes:
    proofs = set()
    for streamed in BOTH:
        _loop(bench, text, names, streamed=streamed, thinks=thinks)
        proofs.add(brings_proof_back(bench.seen()[-1]))
    assert len(proofs) == 1, "whole and streamed turns differ in whether proof of thinking comes back"
    return () if proofs == {True} else ("its proof of thinking beside calls is not sent back to it",)


def _loop(bench: Bench, text: str, names: list[str], *, streamed: bool, thinks: bool) -> None:
    """Ask, run the tools, and bring their results back in the other order."""
    caller, model = bench.caller, bench.target.thinks if thinks else ""
    asked = [caller.asking(text)]
    first = bench.ask(asked, streamed=streamed, model=model, tools=names, thinks=thinks)
    calls = first.heard.calls
    assert [(call.name, call.arguments) for call in calls] == [(name, ARGUMENTS) for name in names], first
    assert len({call.id for call in calls}) == len(names), "two calls with one id"
    assert first.heard.finish == caller.ends[1]
    results = [(call, f"{number} metres") for number, call in enumerate(calls, start=1)]
    turns = [*asked, *first.turns, *caller.results(results[::-1])]
    second = bench.ask(turns, streamed=streamed, model=model, tools=names, thinks=thinks).heard
    for call, result in results:
        assert f"{call.name}: {result}" in second.text, f"{second.text}: a result went to another call"
    assert (second.calls, second.finish) == ((), caller.ends[0])


def image(bench: Bench) -> Notes:
    before = len(bench.seen())
    for streamed in BOTH:
        turn = bench.caller.asking("What is it?", PICTURE)
        told = bench.ask([turn], streamed=streamed, model=bench.target.sees)
        assert f"(image/png) of {len(PICTURE)} bytes" in told.heard.text, told
    sent = [seen.raw.translate(URL_SAFE) for seen in bench.seen()[before:]]
    assert all(PNG.encode() in raw for raw in sent), "other bytes than the caller's"
    return ()


def thinking(bench: Bench) -> Notes:
    """Asked for, told, and taken back in the next turn: on a plain answer, and on one that calls a tool."""
    before, shown = len(bench.seen()), set()
    for streamed in BOTH:
        asked = [bench.caller.asking(MORNING)]
        first = bench.ask(asked, streamed=streamed, model=bench.target.thinks, thinks=True)
        assert THOUGHT not in first.heard.text
        shown.add(first.heard.thinking.startswith(THOUGHT))
        turns = [*asked, *first.turns, bench.caller.asking("Good evening")]
        second = bench.ask(turns, streamed=streamed, model=bench.target.thinks, thinks=True)
        assert second.heard.text.endswith("You wrote: Good evening"), second
    assert len(shown) == 1, "whole and streamed answers differ in whether thinking is shown"
    proofs = _loops(bench, ONE_CALL, list(TOOLS)[:1], thinks=True)
    assert all(asks_for_effort(seen) for seen in bench.seen()[before:])
    return proofs if shown == {True} else ("thinking is not shown", *proofs)


def schema(bench: Bench) -> Notes:
    named = bench.target.named(bench.target.structured)
    asked = Question(model=named, turns=[bench.caller.asking(ONE_CALL)], structured=True)
    for streamed in BOTH:
        told = bench.caller.ask(asked, streamed=streamed)
        assert told.parsed == FORECAST, told
        assert Forecast.model_validate_json(told.heard.text) == FORECAST
    return ()


def error(bench: Bench) -> Notes:
    """A refusal, a limit, and a failure in the middle of a stream; in words that came from the provider."""
    for streamed in BOTH:
        _refused(bench, 400, streamed=streamed)
        response = _refused(bench, 429, streamed=streamed)
        assert response.headers["retry-after"] == str(LATER)
        bench.home.post(f"/providers/{bench.target.provider}/reset")
    bench.simulated.pace(words=80)
    bench.simulated.fault("error_in_200", bench.target.provider, after_frames=20, status=500, message="planned")
    caught = raised(bench.caller.failures[0], lambda: _answer(bench, streamed=True))
    assert "planned" in str(caught), caught
    answered = bench.caller.recorder.answers[-1]
    assert answered.status == 200
    assert "planned" in bench.caller.check_broken(bytes(answered.body))
    return ()


def _refused(bench: Bench, status: int, *, streamed: bool) -> Answered:
    waits = {"retry_after": LATER} if status == 429 else {}
    bench.simulated.fault("status", bench.target.provider, status=status, times=1, message="planned", **waits)
    caught = raised(bench.caller.failures[status], lambda: _answer(bench, streamed=streamed))
    assert "planned" in str(caught), caught
    answered = bench.caller.recorder.answers[-1]
    assert answered.status == status
    return answered


def raised(kind: type[Exception], ask: Callable[[], object]) -> Exception:
    try:
        said = ask()
    except kind as exc:
        return exc
    raise AssertionError(f"no {kind.__name__}, but {said}")


FEATURES: dict[str, Callable[[Bench], Notes]] = {
    "plain": plain,
    "stream": stream,
    "tools": tools,
    "parallel": parallel,
    "image": image,
    "thinking": thinking,
    "schema": schema,
    "error": error,
}
