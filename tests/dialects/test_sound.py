"""What is refused or left out before any target is asked."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from proxyctl.core.chat import ChatRequest, Tool, ToolChoice
from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses
from proxyctl.dialects.sound import MOST, check_sound, unique_tools

PLAIN = ChatRequest(model="m", messages=())
WEATHER, TIME = Tool(name="weather", description="first"), Tool(name="time")


@pytest.mark.parametrize(
    ("field", "lowest", "highest"),
    [
        ("max_output", 0, MOST),
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("top_k", -1, MOST),
        ("frequency_penalty", -2.0, 2.0),
        ("presence_penalty", -2.0, 2.0),
        ("seed", -(2**63), 2**63 - 1),
    ],
)
def test_what_somebody_takes_is_left_to_them(field: str, lowest: float, highest: float) -> None:
    for value in (None, lowest, highest):
        check_sound(replace(PLAIN, **{field: value}))


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("max_output", -1, "output limit"),
        ("max_output", 10**30, "output limit"),
        ("temperature", -0.1, "temperature"),
        ("temperature", float("inf"), "temperature"),
        ("temperature", float("nan"), "temperature"),
        ("top_p", 1.01, "top_p"),
        ("top_k", -2, "top_k"),
        ("top_k", 2**31, "top_k"),
        ("frequency_penalty", 2.5, "frequency penalty"),
        ("presence_penalty", -2.5, "presence penalty"),
        ("seed", 2**63, "seed"),
    ],
)
def test_what_nobody_takes_is_refused(field: str, value: float, name: str) -> None:
    with pytest.raises(DecodeError, match=f"{name} must be at least"):
        check_sound(replace(PLAIN, **{field: value}))


@pytest.mark.parametrize("tools", [(), (TIME,)])
def test_a_chosen_tool_that_is_not_there_is_refused(tools: tuple[Tool, ...]) -> None:
    with pytest.raises(DecodeError, match="'weather', which is none of the tools") as caught:
        check_sound(replace(PLAIN, tools=tools, tool_choice=ToolChoice("tool", "weather")))
    check_sound(replace(PLAIN, tools=(WEATHER,), tool_choice=ToolChoice("tool", "weather")))
    check_sound(replace(PLAIN, tools=tools, tool_choice=ToolChoice("any")))

    assert len(str(caught.value)) < 200


def test_of_tools_with_one_name_the_first_is_kept_and_the_others_are_losses() -> None:
    losses = Losses()
    request = replace(PLAIN, tools=(WEATHER, TIME, Tool(name="weather"), TIME))

    kept = unique_tools(request, losses)

    assert kept.tools == (WEATHER, TIME)
    assert [one.path for one in losses.entries()] == ["tools[2]", "tools[3]"]


def test_tools_of_different_names_are_left_alone() -> None:
    request = replace(PLAIN, tools=(WEATHER, TIME))

    assert unique_tools(request, Losses()) is request
