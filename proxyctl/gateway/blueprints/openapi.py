"""The description of the management API at `/openapi.json`, made from the handlers and the types they answer with.

quart-schema finds the routes; the schemas are msgspec's own, because quart-schema 0.25 keeps only the first of a
Struct's nested types. It serves no documentation page: those load scripts from foreign hosts.
"""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
from quart import Quart
from quart_schema import HttpSecurityScheme, Info, OpenAPIProvider, QuartSchema
from typing_extensions import override

from proxyctl.admin.schema import AdminError

_REF = "#/components/schemas/{name}"
_FOLLOWING = "follow"
_EVENT = {
    "type": "object",
    "description": "One event: `metrics` or `record`; its data is JSON, what the path answers or one of its records.",
    "properties": {"event": {"enum": ["metrics", "record"]}, "data": {"type": "string"}},
    "required": ["event", "data"],
}


class StructProvider(OpenAPIProvider):
    """Describes answers and parameters that are msgspec Structs."""

    @override
    def schema(self) -> dict[str, Any]:
        described = super().schema()
        error, components = _described(AdminError)
        described["components"]["schemas"].update(components)
        for operations in described["paths"].values():
            for operation in operations.values():
                answers = {str(status): response for status, response in operation["responses"].items()}
                if any(parameter["name"] == _FOLLOWING for parameter in operation["parameters"]):
                    answers["200"]["content"]["text/event-stream"] = {"schema": _EVENT}
                operation["responses"] = {**answers, "default": error}
        return described

    @override
    def build_response_object(self, model: Any, headers_model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return _described(model)

    @override
    def build_querystring_parameters(self, model: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        _, components = msgspec.json.schema_components([model], ref_template=_REF)
        schema = components.pop(model.__name__)
        parameters = []
        for name, field in schema["properties"].items():
            parameter = {"name": name, "in": "query", "required": name in schema["required"], "schema": field}
            if "description" in field:
                parameter["description"] = field.pop("description")
            parameters.append(parameter)
        return parameters, components


def describe(app: Quart, version: str) -> None:
    """Serve the description of all routes that `app` has when it is asked for."""
    QuartSchema(
        app,
        info=Info(title="proxyctl management API", version=version),
        security_schemes={"bearer": HttpSecurityScheme(scheme="bearer")},
        security=[{}, {"bearer": []}],
        redoc_ui_path=None,
        scalar_ui_path=None,
        swagger_ui_path=None,
        conversion_preference="msgspec",
        openapi_provider_class=StructProvider,
    )


def _described(model: type[msgspec.Struct]) -> tuple[dict[str, Any], dict[str, Any]]:
    (schema,), components = msgspec.json.schema_components([model], ref_template=_REF)
    response = {
        "description": inspect.getdoc(model) or model.__name__,
        "content": {"application/json": {"schema": schema}},
    }
    return response, components
