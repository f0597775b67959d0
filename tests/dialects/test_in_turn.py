"""Parts that overlap come out one after the other, each with all that is its own."""

from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.events import Delta, PartEnd
from proxyctl.dialects.in_turn import InTurn, PartEvent


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
def test_each_part_is_whole_before_the_next_begins(steps: list[tuple[int, bool]]) -> None:
    turns = InTurn()
    begun: list[int] = []
    ended: set[int] = set()
    said: dict[int, list[PartEvent]] = {}
    due: list[PartEvent] = []
    for index, ends in [*steps, *((index, True) for index in range(4))]:
        if index in ended:
            continue
        if index not in begun:
            begun.append(index)
            said[index] = []
            turns.begin(index)
        event: PartEvent = PartEnd(index) if ends else Delta(index, str(len(said[index])))
        if ends:
            ended.add(index)
        said[index].append(event)
        due += turns.due(event)

    assert due == [event for index in begun for event in said[index]]


def test_what_is_due_is_not_held_back() -> None:
    turns = InTurn()
    turns.begin(0)
    turns.begin(1)

    assert list(turns.due(Delta(1, "later"))) == []
    assert list(turns.due(Delta(0, "now"))) == [Delta(0, "now")]
    assert list(turns.due(PartEnd(0))) == [PartEnd(0), Delta(1, "later")]
    assert list(turns.due(Delta(1, "now"))) == [Delta(1, "now")]
