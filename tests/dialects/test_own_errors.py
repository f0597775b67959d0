"""Which error bodies a dialect's clients can read, and what the others become."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.errors import Problem
from proxyctl.dialects.base import InboundDialect
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import CODE, STATUS
from proxyctl.dialects.openai_completions import OPENAI_COMPLETIONS
from proxyctl.dialects.registry import INBOUND

DIALECTS = [*INBOUND.values(), OPENAI_COMPLETIONS]
every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=[one.name for one in DIALECTS])
PLAIN = Problem(kind="bad_request", status=400, code="c", message="No.")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["No.", "error", "", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "type", "code", "status", "detail", "loc", "msg", "param", "details"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@every_dialect
@pytest.mark.parametrize("kind", STATUS)
def test_what_a_dialect_writes_is_its_own(dialect: InboundDialect, kind: str) -> None:
    problem = Problem(kind=kind, status=STATUS[kind], code="c", message="No.", param="n")  # type: ignore[index,arg-type]
    _, body = dialect.encode_error(problem, "px_1")

    assert dialect.own_error(body, PLAIN) is body


@every_dialect
@given(st.dictionaries(st.sampled_from(["error", "message", "type", "code", "detail"]), json_values))
def test_any_object_becomes_one_that_the_dialect_owns(dialect: InboundDialect, document: dict[str, object]) -> None:
    """Reading it raises nothing, and what comes out needs no second mending."""
    body = json.dumps(document).encode()

    told = dialect.own_error(body, decode_error(400, body))

    assert dialect.own_error(told, PLAIN) is told
    assert isinstance(json.loads(told)["error"]["message"], str)


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b'{"error":"No.","code":"odd"}', "bad_request", {"type": "invalid_request_error", "code": "odd"}),
        (b'{"message":"No.","type":"t"}', "not_found", {"type": "t", "code": CODE["not_found"]}),
        (b'{"error":{"type":"t","code":"c"}}', "bad_request", {"type": "t", "code": "c"}),
        (b'{"error":{"message":5,"type":5,"code":5}}', "bad_request", {"type": "invalid_request_error", "code": None}),
    ],
)
def test_openais_shape_keeps_the_words_that_stood_there(body: bytes, kind: str, expected: dict[str, object]) -> None:
    problem = Problem(kind=kind, status=400, code="ours", message="No.", param="n")  # type: ignore[arg-type]

    error = json.loads(INBOUND["openai-chat"].own_error(body, problem))["error"]

    assert error == {"message": "No.", "param": "n", **expected}
