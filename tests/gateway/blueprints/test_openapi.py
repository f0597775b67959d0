"""The description of the API: complete, and true under any input that it allows or forbids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

FOLLOWED = {"/providers/metrics", "/providers/metrics/{name}", "/providers/logs", "/providers/logs/{name}"}
PATHS = FOLLOWED | {
    "/healthz",
    "/daemon/status",
    "/daemon/stop",
    "/daemon/reload",
    "/providers/status",
    "/providers/metrics/reset",
    "/providers/records/{record_id}",
    "/providers/costs",
    "/providers/health",
    "/providers/models",
    "/providers/plan",
    "/providers/{name}/reset",
    "/providers/{name}/test",
}

CAN_BE_WRONG = FOLLOWED | {"/providers/health", "/providers/plan"}
"""Their parameters have values that the schema forbids; the others are free text."""


@pytest.fixture
async def described(client) -> dict:
    return await (await client.get("/openapi.json")).get_json()


async def test_every_endpoint_is_described(described) -> None:
    assert set(described["paths"]) == PATHS


async def test_every_endpoint_is_in_the_manual(described) -> None:
    manual = (Path(__file__).parents[3] / "docs" / "management-api.md").read_text()

    for path, operations in described["paths"].items():
        shown = path.replace("record_id", "id").replace("{", "<").replace("}", ">")
        for method, operation in operations.items():
            assert f"`{method.upper()} {shown}`" in manual
            assert all(f"`{one['name']}`" in manual for one in operation["parameters"] if one["in"] == "query")


async def test_every_operation_says_what_it_does_and_how_it_fails(described) -> None:
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["responses"].keys() - {"200", "202"} == {"default"}


async def test_every_named_type_is_there(described) -> None:
    def references(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "$ref":
                    yield value.removeprefix("#/components/schemas/")
                else:
                    yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    used = set(references(described))

    assert {"MetricsReport", "Quantiles", "AttemptRecord", "AdminError"} <= used
    assert used <= set(described["components"]["schemas"])


async def test_parameters_are_typed_and_explained(described) -> None:
    parameters = {one["name"]: one for one in described["paths"]["/providers/logs"]["get"]["parameters"]}

    assert set(parameters) == {"limit", "since", "status", "model", "follow"}
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 0, "maximum": 1000, "default": 50}
    assert all(one["description"] and not one["required"] for one in parameters.values())
    plan = {one["name"]: one for one in described["paths"]["/providers/plan"]["get"]["parameters"]}
    assert plan["model"]["required"]


async def test_following_is_described_as_a_stream(described) -> None:
    streams = {
        path
        for path, operations in described["paths"].items()
        for operation in operations.values()
        if "text/event-stream" in operation["responses"].get("200", {"content": {}})["content"]
    }

    assert streams == FOLLOWED


async def test_no_page_that_loads_foreign_scripts_is_served(client) -> None:
    for path in ("/docs", "/redocs", "/scalar"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_asked_is_answered_as_described(app, state, record, token, mode: GenerationMode) -> None:
    """No input makes a 500 or an answer outside its schema, and nothing that the schema forbids is accepted.

    The daemon is draining, so that followed streams end.
    """
    for name in ("alpha", "beta"):
        state.meter.observe(record(name))
    state.draining.set()
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)

    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(mode))
        def asked(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=token)

        if mode is GenerationMode.POSITIVE or operation.path in CAN_BE_WRONG:
            asked()
