"""What routing reads of a request before anybody decodes it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.errors import DecodeError
from proxyctl.core.exchange import Peek
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.base import decode_fields

ASK = [{"role": "user", "content": "hi"}]


def peek(**fields: Any) -> Peek:
    document = {"model": "m", "max_tokens": 5, "messages": ASK, **fields}
    return ANTHROPIC_MESSAGES.peek(decode_fields(json.dumps(document).encode()), size=9)


def session(**fields: Any) -> str:
    return ANTHROPIC_MESSAGES.session(decode_fields(json.dumps({"messages": ASK, **fields}).encode()))


def test_the_least_request() -> None:
    assert peek() == Peek(model="m", include_usage=True, max_output=5, size=9)


def test_a_request_with_everything() -> None:
    content = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.org"}},
    ]

    seen = peek(
        messages=[{"role": "user", "content": content}],
        stream=True,
        tools=[{"name": "get"}],
        thinking={"type": "adaptive"},
        output_config={"format": {"type": "json_schema"}},
    )

    assert seen == Peek(
        model="m",
        stream=True,
        include_usage=True,
        has_tools=True,
        has_images=True,
        has_documents=True,
        wants_thinking=True,
        wants_json_schema=True,
        max_output=5,
        size=9,
    )


def test_an_image_is_known_by_its_type_alone() -> None:
    assert not peek(messages=[{"role": "user", "content": [{"type": "text", "text": "image", "image": 1}]}]).has_images


def test_thinking_that_is_off_is_not_wanted() -> None:
    assert not peek(thinking={"type": "disabled"}).wants_thinking


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"model": None}, "model"),
        ({"messages": {}}, "messages"),
        ({"stream": 1}, "stream"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"thinking": {"budget_tokens": 1}}, "thinking"),
        ({"output_config": {"effort": 5}}, "output_config.effort"),
    ],
)
def test_wrong_types_are_refused_with_their_place(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        peek(**fields)

    assert caught.value.path == path


def test_a_session_is_what_the_caller_names_it_by() -> None:
    coding_agent = json.dumps({"device_id": "d", "account_uuid": "", "session_id": "s1"})

    assert session(metadata={"user_id": coding_agent}) == "s1"
    assert session(metadata={"user_id": "user_1"}) == "user_1"
    assert session(metadata={"user_id": "{not json"}) == "{not json"


def test_a_session_without_a_name_is_its_opening() -> None:
    later = [*ASK, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "more"}]

    assert session() == session(messages=later)
    assert session() != session(system="S")
    assert session(messages=[]) == ""


@given(
    st.dictionaries(
        st.sampled_from(["messages", "metadata", "system"]),
        st.recursive(st.none() | st.integers() | st.text(), st.lists),
    )
)
def test_asking_for_the_session_never_raises(fields: dict[str, Any]) -> None:
    assert isinstance(ANTHROPIC_MESSAGES.session(decode_fields(json.dumps(fields).encode())), str)
