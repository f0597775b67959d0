from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.metering.sketch import LARGEST_MS, RELATIVE_ERROR, SMALLEST_MS, Sketch

durations = st.floats(SMALLEST_MS, LARGEST_MS)
parts = st.sampled_from([0.0, 0.25, 0.5, 0.9, 0.99, 1.0])


def exact(values: list[float], part: float) -> float:
    return sorted(values)[max(1, math.ceil(part * len(values))) - 1]


@given(values=st.lists(durations, min_size=1, max_size=200), part=parts)
def test_a_quantile_is_within_the_stated_error(values: list[float], part: float) -> None:
    sketch = Sketch()
    for value in values:
        sketch.add(value)

    (found,) = sketch.quantiles(part)

    assert found == pytest.approx(exact(values, part), rel=RELATIVE_ERROR * 1.000001)


@given(values=st.lists(durations, min_size=1, max_size=60))
def test_several_quantiles_at_once_are_those_one_by_one(values: list[float]) -> None:
    sketch = Sketch()
    for value in values:
        sketch.add(value)

    assert sketch.quantiles(0.5, 0.9, 0.99) == tuple(sketch.quantiles(part)[0] for part in (0.5, 0.9, 0.99))


@given(left=st.lists(durations), right=st.lists(durations))
def test_two_sketches_add_up_exactly(left: list[float], right: list[float]) -> None:
    merged, other, whole = Sketch(), Sketch(), Sketch()
    for value in left:
        merged.add(value)
        whole.add(value)
    for value in right:
        other.add(value)
        whole.add(value)

    merged.merge(other)

    assert merged.count == whole.count
    assert merged.quantiles(0.1, 0.5, 0.99) == whole.quantiles(0.1, 0.5, 0.99)


def test_an_empty_sketch_knows_nothing() -> None:
    assert Sketch().quantiles(0.5, 0.99) == (None, None)


@pytest.mark.parametrize("value", [0.0, -1.0, SMALLEST_MS / 2])
def test_what_is_too_small_to_measure_is_zero(value: float) -> None:
    sketch = Sketch()
    sketch.add(value)

    assert sketch.quantiles(0.5) == (0.0,)


def test_what_is_too_large_counts_as_the_largest() -> None:
    sketch = Sketch()
    sketch.add(math.inf)

    (found,) = sketch.quantiles(1.0)

    assert found == pytest.approx(LARGEST_MS, rel=RELATIVE_ERROR)


def test_memory_does_not_grow_with_what_is_added() -> None:
    sketch = Sketch()
    for step in range(50_000):
        sketch.add(SMALLEST_MS * (LARGEST_MS / SMALLEST_MS) ** (step / 49_999))

    assert len(sketch._buckets) < 1_300
