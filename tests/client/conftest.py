from __future__ import annotations

from collections.abc import Iterator

import pytest

from .stand_in import StandIn


@pytest.fixture
def daemon() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in
