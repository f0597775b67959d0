"""Elements change, everything else keeps its bytes; what cannot be read costs nothing."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from proxyctl.core.losses import Losses
from proxyctl.dialects.raw_lists import changed

LIST = Raw(b'[ 1.50, {"a" : 1e16}, "x" ]')


def without_texts(element: Raw, place: int, losses: Losses) -> Raw | None:
    if not bytes(element).startswith(b'"'):
        return element
    losses.add(f"list[{place}]", "a text")
    return None


def test_what_is_kept_keeps_its_bytes() -> None:
    losses = Losses()

    kept = changed(LIST, without_texts, losses)

    assert bytes(kept) == b'[1.50,{"a" : 1e16}]'
    assert [loss.path for loss in losses.entries()] == ["list[2]"]


def test_a_list_without_a_change_is_the_same_value() -> None:
    losses = Losses()
    numbers = Raw(b"[ 1, 2 ]")

    assert changed(numbers, without_texts, losses) is numbers
    assert not losses.entries()


def test_one_element_that_cannot_be_read_leaves_all_as_it_was_and_loses_nothing() -> None:
    def strict(element: Raw, place: int, losses: Losses) -> Raw | None:
        msgspec.json.decode(element, type=str)
        return without_texts(element, place, losses)

    losses = Losses()
    mixed = Raw(b'["x", 7]')

    assert changed(mixed, strict, losses) is mixed
    assert not losses.entries()


def test_what_is_no_list_stays() -> None:
    text = Raw(b'"text"')

    assert changed(text, without_texts, Losses()) is text
