"""Requests that no good client sends, in every dialect, before every strict provider: none is a 500, none our fault.

The tables are walked whole for each pair of dialect and provider; of single values put in single places each provider
gets its share, and hypothesis mixes what no table has.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxyctl.simulator.server import Simulator
from proxyctl.simulator.setup import KEY_VARIABLE, demo_config
from tests.gateway.abuse.bad_input import (
    DIALECTS,
    GONE,
    MODELS,
    VALUES,
    encoded,
    fault_of,
    misshapen,
    paths_of,
    spoilt,
)
from tests.gateway.abuse.histories import CONVERSING, HISTORIES, Turn, conversing
from tests.gateway.abuse.oddities import odd_requests
from tests.gateway.conftest import Gateway, StartGateway

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
every_provider = pytest.mark.parametrize("provider", MODELS)
GEMINI = f"gemini:{MODELS['gemini']}"


@pytest.fixture
async def strict(start_gateway: StartGateway, simulator: Simulator) -> Gateway:
    """A gateway before all simulators, and one more behind a provider that is known by its configuration alone."""
    local = f'[providers.local]\nmode = "fallback"\nbase_url = "{simulator.root}/local/v1"\nkey = "${KEY_VARIABLE}"\n'
    return await start_gateway(f"{demo_config(simulator.root, 0)}\n{local}")


def named(provider: str) -> str:
    return f"{provider}:{MODELS[provider]}"


async def faults_of(gateway: Gateway, dialect: str, provider: str, documents: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the outcomes, by the documents' names."""
    inbound = DIALECTS[dialect]
    found = {name: await fault_of(gateway, inbound, named(provider), one) for name, one in documents.items()}
    return {name: fault for name, fault in found.items() if fault}


@every_dialect
@every_provider
async def test_the_valid_request_is_served(strict: Gateway, dialect: str, provider: str) -> None:
    """What follows is spoilt by one thing each, and not by what it was made from."""
    inbound = DIALECTS[dialect]

    answer = await strict.http.post(
        inbound.path.format(model=named(provider)), content=encoded({"model": named(provider), **inbound.valid})
    )

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("dialect", CONVERSING)
@every_provider
async def test_broken_histories(strict: Gateway, dialect: str, provider: str) -> None:
    documents = {name: conversing(dialect, turns) for name, turns in HISTORIES.items()}

    assert await faults_of(strict, dialect, provider, documents) == {}


@every_dialect
@every_provider
async def test_oddities_of_the_dialect(strict: Gateway, dialect: str, provider: str) -> None:
    assert await faults_of(strict, dialect, provider, odd_requests(dialect)) == {}


@every_dialect
@every_provider
async def test_any_value_in_any_place(strict: Gateway, dialect: str, provider: str) -> None:
    """Each provider gets another share; together they get every value in every place."""
    valid, share = DIALECTS[dialect].valid, list(MODELS).index(provider)
    spoiling = ((path, value) for path in paths_of(valid) for value in (*VALUES, GONE))
    mine = [one for number, one in enumerate(spoiling) if number % len(MODELS) == share]

    documents = {f"{path} {value}": spoilt(valid, path, value) for path, value in mine}

    assert await faults_of(strict, dialect, provider, documents) == {}


# The whole body, and what routing reads of it.


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t",
    "a list": b"[]",
    "a text": b'"hi"',
    "a number": b"7",
    "null": b"null",
    "half": b'{"model":"x',
    "two": b"{}{}",
    "no JSON": b"model=x",
    "single quotes": b"{'model':'x'}",
    "a comma too many": b'{"model":"x",}',
    "a comment": b'{"model":"x"/**/}',
    "no UTF-8": b'{"model":"\xff"}',
    "UTF-16": '{"model":"x"}'.encode("utf-16"),
    "raw control letters": b'{"model":"a\nb"}',
    "half an escape": b'{"model":"\\u12"}',
    "a deep list": b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "no members": b"{}",
}


@every_dialect
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_request_is_refused_in_the_dialects_shape(
    strict: Gateway, dialect: str, name: str
) -> None:
    answer = await strict.http.post(DIALECTS[dialect].path.format(model=GEMINI), content=BODIES[name])

    assert misshapen(answer, dialect) == ""
    assert not [entry for entry in strict.simulator.ledger.entries if entry.method == "POST"]


@pytest.mark.parametrize("dialect", [name for name, inbound in DIALECTS.items() if "{model}" not in inbound.path])
@pytest.mark.parametrize(
    "model",
    ["", " ", "\0", "\ud800", "x" * 100_000, ":", "gemini:", "nobody:x", "gemini: ", "/", 7, None, [], {}, True],
)
async def test_a_model_that_is_none_is_refused_in_the_dialects_shape(
    strict: Gateway, dialect: str, model: object
) -> None:
    inbound = DIALECTS[dialect]
    answer = await strict.http.post(inbound.path, content=encoded({**inbound.valid, "model": model}))

    assert misshapen(answer, dialect) == ""


@pytest.mark.parametrize("model", ["%00", "x" * 5000, ":", "gemini:", "gemini:%20", "nobody:x", "..", "%ED%A0%80"])
async def test_a_path_without_a_model_is_refused_in_googles_shape(strict: Gateway, model: str) -> None:
    path = DIALECTS["gemini-generate"].path.format(model=model)

    answer = await strict.http.post(path, content=encoded(DIALECTS["gemini-generate"].valid))

    assert misshapen(answer, "gemini-generate") == ""


# What no table has.


turns = st.lists(
    st.builds(
        Turn,
        who=st.sampled_from(["user", "assistant", "system", "call", "result"]),
        text=st.sampled_from(["Hello.", "", " ", "{}", '{"city":"Bern"}', '{"ci', "[1]", "null", "\ud800", "\0"]),
        id=st.sampled_from(["c1", "c2", "", "a b", "i" * 100]),
        name=st.sampled_from(["weather", "elsewhere", "", "a b"]),
    ),
    max_size=8,
)


@st.composite
def spoilings(draw: st.DrawFn, dialect: str) -> dict[str, Any]:
    """A conversation out of nowhere, and up to three wrong values in places where the document has something."""
    document = conversing(dialect, draw(turns)) if dialect in CONVERSING else DIALECTS[dialect].valid
    for _ in range(draw(st.integers(0, 3))):
        places = list(paths_of(document))
        document = spoilt(document, draw(st.sampled_from(places)), draw(st.sampled_from([*VALUES, GONE])))
    return document


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
async def test_what_nobody_thought_of(strict: Gateway, dialect: str, data: st.DataObject) -> None:
    document = data.draw(spoilings(dialect))
    provider = data.draw(st.sampled_from(list(MODELS)))

    assert await fault_of(strict, DIALECTS[dialect], named(provider), document) == ""
