"""Tool names and ids fit their target, and come back."""

import re

from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.chat import Answer, TextPart, Tool, ToolCallPart
from proxyctl.core.events import Delta, PartStart
from proxyctl.core.losses import Losses
from proxyctl.dialects.names import ToolNames, fitted_id, made_up_id
from proxyctl.dialects.traits import ModelTraits

TRAITS = ModelTraits(tool_name_limit=20)


def names(*tools: str, losses: Losses | None = None) -> ToolNames:
    return ToolNames.of([Tool(name=name) for name in tools], TRAITS, losses)


def test_a_good_name_is_kept_and_nothing_is_said() -> None:
    losses = Losses()
    mapping = names("get_weather", "Read-File", losses=losses)

    assert mapping.forward("get_weather") == "get_weather"
    assert not mapping
    assert len(losses) == 0


def test_letters_that_the_target_refuses_become_underscores_and_come_back() -> None:
    losses = Losses()
    mapping = names("files.read file", losses=losses)

    assert mapping.forward("files.read file") == "files_read_file"
    assert mapping.back("files_read_file") == "files.read file"
    assert [entry.path for entry in losses.entries()] == ["tools[0].name"]


def test_a_leading_digit_is_moved_back() -> None:
    assert names("3d").forward("3d") == "_3d"


def test_a_long_name_is_cut_and_hashed() -> None:
    long = "mcp__server__a_very_long_tool_name"

    fitted = names(long).forward(long)

    assert len(fitted) == 20
    assert fitted.startswith("mcp__server_")
    assert names(long).back(fitted) == long


def test_names_that_would_collide_stay_apart() -> None:
    mapping = names("a.b", "a b", "a_b")

    fitted = {mapping.forward(name) for name in ("a.b", "a b", "a_b")}

    assert len(fitted) == 3
    assert mapping.forward("a_b") == "a_b"
    assert {mapping.back(name) for name in fitted} == {"a.b", "a b", "a_b"}


def test_a_tool_that_only_the_history_knows_is_fitted_too() -> None:
    assert names("x").forward("old.tool") == "old_tool"


def test_events_and_answers_get_their_own_names_back() -> None:
    mapping = names("a.b")

    start = mapping.restore(PartStart(index=0, kind="tool_call", id="1", name="a_b"))
    answer = mapping.restore_answer(
        Answer(id="1", model="m", parts=(TextPart(text="a_b"), ToolCallPart(id="1", name="a_b")), finish="tool")
    )

    assert start == PartStart(index=0, kind="tool_call", id="1", name="a.b")
    assert mapping.restore(Delta(0, "a_b")) == Delta(0, "a_b")
    assert answer.parts == (TextPart(text="a_b"), ToolCallPart(id="1", name="a.b"))


@given(st.lists(st.text(min_size=1, max_size=40), unique=True, max_size=8))
def test_any_names_fit_and_come_back(tools: list[str]) -> None:
    mapping = names(*tools)

    fitted = [mapping.forward(tool) for tool in tools]

    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,20}", name) for name in fitted)
    assert len(set(fitted)) == len(tools)
    assert [mapping.back(name) for name in fitted] == tools


@given(st.text(max_size=100), st.sampled_from([9, 40, 64, 128]))
def test_ids_fit_and_stay_the_same(value: str, limit: int) -> None:
    fitted = fitted_id(value, limit=max(limit, 29))

    assert re.fullmatch(r"[A-Za-z0-9_-]+", fitted)
    assert len(fitted) <= max(limit, 29)
    assert fitted_id(fitted, limit=max(limit, 29)) == fitted


def test_a_made_up_id_is_the_same_again_and_another_elsewhere() -> None:
    assert made_up_id(1, 0, "get", "{}") == made_up_id(1, 0, "get", "{}")
    assert made_up_id(1, 0, "get", "{}") != made_up_id(1, 1, "get", "{}")
