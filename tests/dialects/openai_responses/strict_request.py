"""Judge request bodies with the official SDK's own type, unknown members forbidden.

Run as a process of its own: it changes those types for good. Reads a JSON list of bodies from stdin, writes the
complaints as a JSON list, `""` for a body without any.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from openai.types.responses import response_create_params
from pydantic import TypeAdapter, ValidationError

from tests.providers.strict_body import strict, walk


def judge(body: dict[str, Any]) -> str:
    strict("openai.types")
    form = "Streaming" if body.get("stream") else "NonStreaming"
    request: TypeAdapter[Any] = TypeAdapter(getattr(response_create_params, f"ResponseCreateParams{form}"))
    try:
        for _ in walk(request.validate_python(body)):
            pass
    except ValidationError as exc:
        return str(exc)
    return ""


if __name__ == "__main__":
    print(json.dumps([judge(body) for body in json.load(sys.stdin)]))
