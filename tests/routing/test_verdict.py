"""Each signal of the failure table, and where dispatch goes from there."""

from __future__ import annotations

import pytest

from proxyctl.core.errors import (
    ConnectError,
    CutError,
    GarbageError,
    NoAnswerError,
    Problem,
    StatusError,
    UpstreamError,
)
from proxyctl.routing.availability import Cooldown, CredentialRefused, ModelMissing
from proxyctl.routing.verdict import ROWS, Judgement, Verdict, judge, larger_only, next_step

RETRY, KEY, FALL, STOP = Verdict.RETRY_SAME, Verdict.NEXT_KEY, Verdict.FALL_BACK, Verdict.GIVE_UP
LARGER = Verdict.LARGER


def failure(error, kind, status, *, code="test", **fields) -> UpstreamError:
    return error(Problem(kind=kind, status=status, code=code, message="no luck", **fields))


# signal, first verdict, verdict when tried twice, rule
TRANSCRIPT = [
    (failure(ConnectError, "upstream", 502), RETRY, FALL, "not_reached"),
    (failure(ConnectError, "timeout", 504), RETRY, FALL, "not_reached"),
    (failure(NoAnswerError, "timeout", 504), FALL, FALL, "no_answer_in_time"),
    (failure(NoAnswerError, "upstream", 502), RETRY, FALL, "hung_up"),
    (failure(CutError, "upstream", 502), FALL, FALL, "cut_before_commit"),
    (failure(GarbageError, "upstream", 502), FALL, FALL, "garbage"),
    (failure(GarbageError, "upstream", 502, code="malformed_tool_call"), RETRY, FALL, "malformed_call"),
    (failure(StatusError, "upstream", 502, code="malformed_tool_call"), RETRY, FALL, "malformed_call"),
    (failure(StatusError, "timeout", 408), RETRY, FALL, "request_timed_out"),
    (failure(StatusError, "upstream", 500), RETRY, FALL, "server_error"),
    (failure(StatusError, "upstream", 502), RETRY, FALL, "overloaded"),
    (failure(StatusError, "overloaded", 503), RETRY, FALL, "overloaded"),
    (failure(StatusError, "timeout", 504), RETRY, FALL, "overloaded"),
    (failure(StatusError, "overloaded", 529), RETRY, FALL, "overloaded"),
    (failure(StatusError, "overloaded", 498), RETRY, FALL, "overloaded"),
    (failure(StatusError, "overloaded", 200), RETRY, FALL, "overloaded"),
    (failure(StatusError, "upstream", 520), RETRY, FALL, "other_failure"),
    (failure(StatusError, "rate_limit", 429), KEY, KEY, "rate_limited"),
    (failure(StatusError, "rate_limit", 429, retry_after=2.1), KEY, KEY, "rate_limited"),
    (failure(StatusError, "rate_limit", 429, retry_after=1, retryable=False), KEY, KEY, "rate_limited"),
    (failure(StatusError, "rate_limit", 429, retry_after=2), RETRY, KEY, "rate_limited_briefly"),
    (failure(StatusError, "rate_limit", 413, retry_after=0), RETRY, KEY, "rate_limited_briefly"),
    (failure(StatusError, "rate_limit", 413), KEY, KEY, "rate_limited"),
    (failure(StatusError, "upstream_auth", 401), KEY, KEY, "credential_refused"),
    (failure(StatusError, "upstream_auth", 400), KEY, KEY, "credential_refused"),
    (failure(StatusError, "billing", 402), KEY, KEY, "credential_refused"),
    (failure(StatusError, "billing", 429), KEY, KEY, "credential_refused"),
    (failure(StatusError, "forbidden", 403), KEY, KEY, "credential_refused"),
    (failure(StatusError, "not_found", 404), FALL, FALL, "model_missing"),
    (failure(StatusError, "context_length", 400), LARGER, LARGER, "too_long"),
    (failure(StatusError, "context_length", 403), LARGER, LARGER, "too_long"),
    (failure(StatusError, "too_large", 413), LARGER, LARGER, "too_long"),
    (failure(StatusError, "bad_request", 400), STOP, STOP, "callers_fault"),
    (failure(StatusError, "bad_request", 422), STOP, STOP, "callers_fault"),
    (failure(StatusError, "conflict", 409), STOP, STOP, "callers_fault"),
    (failure(StatusError, "upstream", 418), STOP, STOP, "callers_fault"),
]


@pytest.mark.parametrize(("error", "first", "second", "rule"), TRANSCRIPT)
def test_the_table(error, first, second, rule):
    once, twice = judge(error, tries_on_this=1), judge(error, tries_on_this=2)

    assert (once.verdict, twice.verdict, once.rule) == (first, second, rule)


def test_every_row_of_the_table_is_in_the_transcript():
    assert {row.rule for row in ROWS} == {rule for *_, rule in TRANSCRIPT}


@pytest.mark.parametrize(("error", "_first", "_second", "_rule"), TRANSCRIPT)
def test_nothing_is_tried_after_commit(error, _first, _second, _rule):
    judgement = judge(error, tries_on_this=1, committed=True)

    assert (judgement.verdict, judgement.consequence) == (STOP, None)


def test_a_brief_limit_is_waited_out_for_as_long_as_the_provider_says():
    error = failure(StatusError, "rate_limit", 429, retry_after=1.25)

    first, second = judge(error, tries_on_this=1, left=1.3), judge(error, tries_on_this=2, left=1.3)

    assert (first.verdict, first.wait, first.backoff, first.consequence) == (RETRY, 1.25, 0, None)
    assert (second.verdict, second.wait) == (KEY, 0)
    assert second.consequence == Cooldown(reason="no luck", retry_after=1.25)


def test_a_limit_beyond_the_deadline_is_not_waited_out():
    error = failure(StatusError, "rate_limit", 429, retry_after=1.25)

    judgement = judge(error, tries_on_this=1, left=1.25)

    assert (judgement.verdict, judgement.consequence) == (KEY, Cooldown(reason="no luck", retry_after=1.25))


def test_a_prompt_that_is_too_long_has_no_consequence():
    judgement = judge(failure(StatusError, "context_length", 400), tries_on_this=1)

    assert (judgement.consequence, judgement.counts) == (None, False)


@pytest.mark.parametrize(
    ("contexts", "kept"),
    [
        ({"a": 100, "b": 99, "c": 100, "d": 101, "e": 500}, "ade"),
        ({"a": 100, "d": 50}, "a"),
        ({"b": 500, "c": 500}, "a"),
        ({}, "a"),
    ],
)
def test_only_what_is_known_to_read_more_is_left_of_a_plan(deployment, contexts, kept):
    steps = tuple(deployment(f"p{model}", model, 0) for model in "abcde")

    larger = larger_only(steps, 0, lambda step: contexts.get(step.model))

    assert "".join(step.model for step in larger) == kept


def test_what_was_tried_before_stays_where_it_is(deployment):
    steps = tuple(deployment("p", model, 0) for model in "abc")

    larger = larger_only(steps, 1, lambda step: {"a": 9, "b": 5, "c": 4}[step.model])

    assert larger == steps[:2]


@pytest.mark.parametrize(
    ("error", "consequence"),
    [
        (
            failure(StatusError, "rate_limit", 429, retry_after=7.5),
            Cooldown(reason="no luck", retry_after=7.5),
        ),
        (failure(StatusError, "rate_limit", 429, retryable=False), Cooldown(reason="no luck", retryable=False)),
        (failure(StatusError, "upstream_auth", 401), CredentialRefused("401 no luck")),
        (failure(StatusError, "not_found", 404), ModelMissing("no luck")),
        (failure(StatusError, "bad_request", 400), None),
        (failure(StatusError, "upstream", 500), None),
        (failure(ConnectError, "upstream", 502), None),
    ],
)
def test_what_is_out_of_use_afterwards(error, consequence):
    assert judge(error, tries_on_this=2).consequence == consequence


@pytest.mark.parametrize(
    ("kind", "status", "counts"),
    [("bad_request", 400, False), ("not_found", 404, False), ("upstream", 500, True), ("rate_limit", 429, True)],
)
def test_the_callers_mistakes_do_not_count_against_a_provider(kind, status, counts):
    assert judge(failure(StatusError, kind, status), tries_on_this=1).counts is counts


def test_only_overload_waits_before_it_tries_again():
    waits = {rule: judge(error, tries_on_this=1).backoff for error, _, _, rule in TRANSCRIPT}

    assert {rule for rule, wait in waits.items() if wait} == {"overloaded", "other_failure"}


@pytest.mark.parametrize(
    ("verdict", "scope", "following"),
    [
        (RETRY, "model", 0),
        (KEY, "credential", 1),
        (FALL, "model", 2),
        (FALL, "provider", 3),
        (LARGER, "model", 2),
        (STOP, "model", None),
    ],
)
def test_where_to_go_on(deployment, verdict, scope, following):
    steps = [
        deployment("groq", "a", 0),
        deployment("groq", "a", 1),
        deployment("groq", "b", 0),
        deployment("gemini", "g", 0),
    ]

    assert next_step(steps, 0, Judgement(verdict, "test", scope)) == following


@pytest.mark.parametrize(("verdict", "scope"), [(KEY, "credential"), (FALL, "model"), (FALL, "provider")])
def test_after_the_last_deployment_there_is_none(deployment, verdict, scope):
    steps = [deployment("groq", "a", 0)]

    assert next_step(steps, 0, Judgement(verdict, "test", scope)) is None
