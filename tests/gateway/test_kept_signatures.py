"""The proofs of calls: what the store holds, for whom and for how long."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from proxyctl.core.chat import Signature, ThinkingPart, ToolCallPart
from proxyctl.core.clock import ManualClock
from proxyctl.dialects.names import fitted_id
from proxyctl.gateway.kept_signatures import HOURS_KEPT, KeptProof, KeptSignatures, Maker

CLAUDE = Maker("anthropic-messages", "claude-sonnet-5-5")
GEMINI = Maker("gemini-generate", "gemini-3.8-flash")
CALL = ToolCallPart(id="call_1", name="get", arguments='{"city":"Oslo","days":2}')
SIGNED = KeptProof(maker=GEMINI, signature=Signature("AQID", "gemini-generate"))


def thought(value: str = "EqQB", text: str = "") -> ThinkingPart:
    return ThinkingPart(text=text, signature=Signature(value, "anthropic-messages"))


def found(kept: KeptSignatures, call: ToolCallPart = CALL, *, owner: str = "", session: str = "s") -> list[KeptProof]:
    return kept.find(call, owner=owner, session=lambda: session)


def filled(kept: KeptSignatures, *calls: ToolCallPart, proof: KeptProof = SIGNED, session: str = "s") -> None:
    for call in calls or (CALL,):
        kept.put(call, proof, owner="", session=session)


def numbered(number: int) -> ToolCallPart:
    return replace(CALL, id=f"call_{number}")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_a_call_finds_its_proof(clock: ManualClock) -> None:
    kept = KeptSignatures(clock)
    filled(kept)

    assert found(kept) == [SIGNED]
    assert found(kept, replace(CALL, id="call_2")) == []


@pytest.mark.parametrize(
    "again",
    [
        '{"days": 2, "city": "Oslo"}',
        '{"city":"\\u004fslo","days":2.0}',
        ' {"city":"Oslo",\n"days":2e0} ',
    ],
)
def test_arguments_may_be_written_again(clock: ManualClock, again: str) -> None:
    """SDKs parse them and write them in their own way."""
    kept = KeptSignatures(clock)
    filled(kept)

    assert found(kept, replace(CALL, arguments=again)) == [SIGNED]


def test_long_integers_are_known_as_javascript_rounds_them(clock: ManualClock) -> None:
    kept = KeptSignatures(clock)
    filled(kept, replace(CALL, arguments='{"n":12345678901234567890}'))

    assert found(kept, replace(CALL, arguments='{"n":12345678901234567000}')) == [SIGNED]


@pytest.mark.parametrize("arguments", ["", "{broken", "[" * 5000, '{"n":' + "9" * 400 + "}", '"\ud800"'])
def test_any_arguments_can_be_kept(clock: ManualClock, arguments: str) -> None:
    kept = KeptSignatures(clock)
    call = replace(CALL, arguments=arguments)
    filled(kept, call)

    assert found(kept, call) == [SIGNED]


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, name="put"),
        replace(CALL, arguments='{"city":"Oslo","days":3}'),
        replace(CALL, arguments='{"city":"Oslo","days":true}'),
    ],
)
def test_a_used_again_id_puts_no_proof_on_another_call(clock: ManualClock, other: ToolCallPart) -> None:
    kept = KeptSignatures(clock)
    filled(kept)

    assert found(kept, other) == []


def test_an_id_is_known_as_each_dialect_tells_it(clock: ManualClock) -> None:
    """Ids that a dialect does not take are told as stand-ins."""
    kept = KeptSignatures(clock)
    odd = replace(CALL, id="functions.get:0 " + "x" * 100)
    filled(kept, odd)

    for told in (odd.id, fitted_id(odd.id), fitted_id(odd.id, limit=128)):
        assert found(kept, replace(CALL, id=told)) == [SIGNED]


def test_one_keys_proofs_exist_for_no_other(clock: ManualClock) -> None:
    kept = KeptSignatures(clock)
    filled(kept)

    assert found(kept, owner="another key") == []


def test_the_session_decides_between_two_of_the_same_call(clock: ManualClock) -> None:
    kept = KeptSignatures(clock)
    other = KeptProof(maker=GEMINI, signature=Signature("BBBB", "gemini-generate"))
    filled(kept)
    filled(kept, proof=other, session="t")

    assert found(kept, session="s") == [SIGNED]
    assert found(kept, session="t") == [other]
    assert found(kept, session="u") == []


def test_a_history_that_was_cut_at_its_beginning_is_still_known(clock: ManualClock) -> None:
    """Its opening, which names the session of callers that name none, is another then."""
    kept = KeptSignatures(clock)
    filled(kept)

    assert found(kept, session="another opening") == [SIGNED]


def test_thinking_belongs_to_the_beginning_of_its_conversation(clock: ManualClock) -> None:
    """With another one before it, its signature is refused; the call's own is not."""
    kept = KeptSignatures(clock)
    both = replace(SIGNED, thoughts=(thought(),), leading=1)
    filled(kept, proof=both)

    assert found(kept) == [both]
    assert found(kept, session="another opening") == [SIGNED]


def test_the_session_is_not_asked_for_where_it_decides_nothing(clock: ManualClock) -> None:
    """It costs a look into the request."""
    kept = KeptSignatures(clock)
    filled(kept)

    def asked() -> str:
        raise AssertionError("nobody need know")

    assert kept.find(CALL, owner="", session=asked) == [SIGNED]
    assert kept.find(numbered(7), owner="", session=asked) == []


def test_a_sessions_name_of_any_length_is_kept_as_a_short_one(clock: ManualClock) -> None:
    kept = KeptSignatures(clock)
    other = KeptProof(maker=GEMINI, signature=Signature("BBBB", "gemini-generate"))
    filled(kept, session="x" * 1_000_000)
    filled(kept, proof=other, session="x" * 1_000_001)

    assert found(kept, session="x" * 1_000_001) == [other]


def test_the_same_call_twice_with_different_proofs_has_none(clock: ManualClock) -> None:
    """Servers that number the calls of each answer from 0 do that: which is which, nobody can say."""
    kept = KeptSignatures(clock)
    filled(kept)
    filled(kept, proof=KeptProof(maker=GEMINI, signature=Signature("BBBB", "gemini-generate")))
    filled(kept)

    assert found(kept) == [KeptProof(maker=GEMINI)]


def test_each_makers_proof_of_a_call_is_its_own(clock: ManualClock) -> None:
    kept = KeptSignatures(clock)
    claudes = KeptProof(maker=CLAUDE, thoughts=(thought(),), leading=1)
    filled(kept)
    filled(kept, proof=claudes)

    assert found(kept) == [SIGNED, claudes]


def test_a_proof_is_forgotten_some_hours_after_its_last_use(clock: ManualClock) -> None:
    kept = KeptSignatures(clock)
    filled(kept, numbered(1), numbered(2))
    clock.advance(HOURS_KEPT - 1)
    assert found(kept, numbered(2)) == [SIGNED]

    clock.advance(2)

    assert found(kept, numbered(1)) == []
    assert found(kept, numbered(2)) == [SIGNED]
    assert len(kept) == 1


def test_the_longest_unused_go_first(clock: ManualClock) -> None:
    kept = KeptSignatures(clock, most=2)
    filled(kept, numbered(1), numbered(2))
    found(kept, numbered(1))

    filled(kept, numbered(3))

    assert [found(kept, numbered(number)) for number in (1, 2, 3)] == [[SIGNED], [], [SIGNED]]


def test_bytes_are_bounded_and_counted_back(clock: ManualClock) -> None:
    large = KeptProof(maker=CLAUDE, thoughts=(thought("x" * 1000, "y" * 1000),), leading=1)
    kept = KeptSignatures(clock, most_bytes=2 * large.size)
    for number in range(5):
        filled(kept, numbered(number), proof=large)
    filled(kept, numbered(9), proof=KeptProof(maker=CLAUDE, thoughts=(ThinkingPart(redacted="z" * 10_000),)))

    assert kept.size == 2 * large.size
    assert found(kept, numbered(9)) == []

    clock.advance(HOURS_KEPT + 1)
    found(kept, numbered(4))

    assert (len(kept), kept.size) == (0, 0)
