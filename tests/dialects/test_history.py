"""Broken histories become ones that every provider accepts; what was mended is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.chat import ImagePart, Message, Part, TextPart, ToolCallPart, ToolResultPart
from proxyctl.core.losses import Losses
from proxyctl.dialects.history import NO_RESULT, repaired, without_mid_system


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(TextPart(text=part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Part | str) -> Message:
    return Message("assistant", tuple(TextPart(text=part) if isinstance(part, str) else part for part in parts))


def system(text: str) -> Message:
    return Message("system", (TextPart(text=text),))


def call(call_id: str, name: str = "get") -> ToolCallPart:
    return ToolCallPart(id=call_id, name=name)


def result(call_id: str, text: str = "", name: str | None = None) -> ToolResultPart:
    return ToolResultPart(call_id=call_id, name=name, parts=(TextPart(text=text),) if text else ())


def repair(*messages: Message) -> tuple[tuple[Message, ...], list[str]]:
    losses = Losses()
    return repaired(messages, losses), [entry.reason for entry in losses.entries()]


def test_a_sound_history_stays_as_it_is() -> None:
    sound = (user("hi"), assistant(call("a")), user(result("a", "1", "get")), assistant("done"), user("more"))

    assert repair(*sound) == (sound, [])


def test_results_are_put_in_the_order_of_their_calls() -> None:
    mended, losses = repair(
        user("hi"), assistant(call("a"), call("b", "put")), user(result("b", "2")), user(result("a", "1"))
    )

    assert mended[2] == user(result("a", "1", "get"), result("b", "2", "put"))
    assert losses == []


def test_text_beside_results_follows_them_in_the_same_message() -> None:
    mended, _ = repair(user("hi"), assistant(call("a")), user("look", result("a", "1")), user("and now?"))

    assert mended[2] == Message("user", (result("a", "1", "get"), TextPart(text="look"), TextPart(text="and now?")))


def test_a_call_that_nobody_answered_gets_an_error_result() -> None:
    mended, losses = repair(user("hi"), assistant(call("a"), call("b")), user(result("b", "2"), "go on"))

    missing = mended[2].parts[0]
    assert isinstance(missing, ToolResultPart)
    assert missing.call_id == "a"
    assert missing.is_error
    assert missing.parts == (TextPart(text=NO_RESULT),)
    assert losses == ["it had no result: a synthetic one was added"]


def test_calls_at_the_very_end_are_answered_too() -> None:
    mended, losses = repair(user("hi"), assistant(call("a")))

    assert mended[-1].role == "user"
    assert len(losses) == 1


def test_a_result_without_a_call_becomes_text_where_it_stood() -> None:
    image = ImagePart(media_type="image/png", data="AAAA")
    orphan = ToolResultPart(call_id="x", name="get", parts=(TextPart(text="1"), image))

    mended, losses = repair(user("hi"), assistant("no call"), user(orphan, "next"))

    assert mended[2] == Message("user", (TextPart(text="[tool result get] 1"), image, TextPart(text="next")))
    assert losses == ["a result for the unknown tool call 'x' became text"]


def test_a_second_answer_to_one_call_becomes_text() -> None:
    mended, losses = repair(user("hi"), assistant(call("a")), user(result("a", "1")), user(result("a", "again")))

    assert mended[2] == Message("user", (result("a", "1", "get"), TextPart(text="[tool result a] again")))
    assert len(losses) == 1


def test_a_repeated_id_pairs_with_the_nearest_call_before_and_becomes_unique() -> None:
    mended, losses = repair(
        user("hi"),
        assistant(call("a")),
        user(result("a", "first")),
        assistant(call("a")),
        user(result("a", "second")),
    )

    assert mended[1:3] == (assistant(call("a")), user(result("a", "first", "get")))
    assert mended[3:5] == (assistant(call("a_2")), user(result("a_2", "second", "get")))
    assert losses == []


def test_a_message_between_call_and_result_does_not_part_them() -> None:
    mended, _ = repair(user("hi"), assistant(call("a")), system("note"), user(result("a", "1")))

    assert [message.role for message in mended] == ["user", "assistant", "user", "system"]
    assert mended[2] == user(result("a", "1", "get"))


def test_neighbours_of_one_role_become_one_message() -> None:
    mended, _ = repair(user("a"), user("b"), assistant("c"), assistant(call("x")), user(result("x", "1")))

    assert mended == (user("a", "b"), assistant("c", call("x")), user(result("x", "1", "get")))


def test_the_same_history_is_mended_the_same_way() -> None:
    broken = (user("hi"), assistant(call("a"), call("a")), user(result("a", "1"), result("q", "2")))

    assert repair(*broken) == repair(*broken)


TEXTS = st.one_of(st.just(TextPart(text="t")), st.builds(result, st.sampled_from(["a", "b", "a_2", "x"]), st.just("r")))
PARTS = {
    "user": TEXTS,
    "system": st.just(TextPart(text="s")),
    "assistant": st.one_of(TEXTS, st.builds(call, st.sampled_from(["a", "b", "a_2"]))),
}
MESSAGES = st.lists(
    st.sampled_from(["user", "assistant", "system"]).flatmap(
        lambda role: st.builds(Message, st.just(role), st.lists(PARTS[role], max_size=4).map(tuple))
    ),
    max_size=8,
)


@given(MESSAGES)
def test_whatever_comes_in_the_promises_hold(messages: list[Message]) -> None:
    mended = repaired(messages, Losses())

    seen: set[str] = set()
    for index, message in enumerate(mended):
        calls = [part.id for part in message.parts if isinstance(part, ToolCallPart)]
        assert not seen.intersection(calls)
        assert len(set(calls)) == len(calls)
        seen.update(calls)
        if calls:
            following = mended[index + 1]
            assert following.role == "user"
            answered = [part.call_id for part in following.parts if isinstance(part, ToolResultPart)]
            assert answered == calls
            assert all(isinstance(part, ToolResultPart) for part in following.parts[: len(calls)])
        if index and message.role != "system":
            assert mended[index - 1].role != message.role


@given(MESSAGES)
def test_no_text_and_no_answer_disappears(messages: list[Message]) -> None:
    mended = repaired(messages, Losses())

    before = sum(1 for message in messages for part in message.parts if isinstance(part, (TextPart, ToolResultPart)))
    after = sum(
        1
        for message in mended
        for part in message.parts
        if isinstance(part, TextPart) or (isinstance(part, ToolResultPart) and not part.is_error)
    )
    assert before == after


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ((user("a"), system("S"), user("b")), (user("a", "<system-reminder>\nS\n</system-reminder>", "b"),)),
        (
            (user("a"), assistant("b"), system("S")),
            (user("a"), assistant("b"), user("<system-reminder>\nS\n</system-reminder>")),
        ),
        (
            (user("a"), system("S"), assistant("b")),
            (user("a", "<system-reminder>\nS\n</system-reminder>"), assistant("b")),
        ),
    ],
)
def test_system_messages_inside_are_folded_into_user_text(
    messages: tuple[Message, ...], expected: tuple[Message, ...]
) -> None:
    losses = Losses()

    assert without_mid_system(repaired(messages, Losses()), losses) == expected
    assert len(losses) == 1


def test_folded_text_stands_behind_the_tool_results() -> None:
    history = repaired((user("a"), assistant(call("x")), system("S"), user(result("x", "1"), "b")), Losses())

    folded = without_mid_system(history, Losses())

    assert [type(part).__name__ for part in folded[2].parts] == ["ToolResultPart", "TextPart", "TextPart"]
