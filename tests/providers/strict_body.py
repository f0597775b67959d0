"""Judge request bodies with the official SDKs' own types, unknown members forbidden.

Run as a process of its own: it changes those types for good. Reads JSON `[[sdk, body], …]` from stdin, writes the
complaints as a JSON list, `""` for a body without any.
"""

import functools
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import is_typeddict

PLACES = {
    "openai": ("openai.types.chat.completion_create_params", "openai.types"),
    "groq": ("groq.types.chat.completion_create_params", "groq.types"),
    "together": ("together.types.chat.completion_create_params", "together.types"),
    "anthropic": ("anthropic.types.message_create_params", "anthropic.types"),
}
KNOWN_BY_THE_API_ALONE = {"groq": {"stream_options"}, "together": {"stream_options"}}


@functools.cache
def strict(package: str) -> None:
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if is_typeddict(value):
                value.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def walk(value: Any) -> Iterator[Any]:
    """Force the lazily validated iterables."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from walk(inner)
    elif not isinstance(value, (str, bytes, int, float, bool, type(None))):
        for inner in value:
            yield from walk(inner)
    yield value


@functools.cache
def request_type(sdk: str, form: str) -> TypeAdapter[Any]:
    module, package = PLACES[sdk]
    strict(package)
    types = importlib.import_module(module)
    name = f"MessageCreateParams{form}" if sdk == "anthropic" else f"CompletionCreateParams{form}"
    found: Any = getattr(types, name, None) or types.CompletionCreateParams
    return TypeAdapter(found)


@functools.cache
def block_type() -> TypeAdapter[Any]:
    found: Any = importlib.import_module("anthropic.types").ContentBlockParam
    return TypeAdapter(found)


def judge(sdk: str, body: dict[str, Any]) -> str:
    request = request_type(sdk, "Streaming" if body.get("stream") else "NonStreaming")
    known = {key: value for key, value in body.items() if key not in KNOWN_BY_THE_API_ALONE.get(sdk, set())}
    try:
        for _ in walk(request.validate_python(known)):
            pass
        if sdk == "anthropic":
            block = block_type()
            for message in body["messages"]:
                for content in message["content"]:
                    for _ in walk(block.validate_python(content)):
                        pass
    except ValidationError as exc:
        return str(exc)
    return ""


if __name__ == "__main__":
    print(json.dumps([judge(sdk, body) for sdk, body in json.load(sys.stdin)]))
