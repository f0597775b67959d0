"""Gemini's own types judge what we send: they forbid unknown members, so a misplaced one fails every test here."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from google.genai import types

from proxyctl.core.chat import ChatRequest
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.dialects.traits import PERMISSIVE, ModelTraits

TOP_LEVEL = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier"}

Encode = Callable[..., tuple[dict[str, Any], list[str]]]


@pytest.fixture
def encode() -> Encode:
    """Encode a request, judge the body by the SDK's types, return it with the paths of the losses."""

    def run(request: ChatRequest, traits: ModelTraits = PERMISSIVE) -> tuple[dict[str, Any], list[str]]:
        losses = Losses()
        body: dict[str, Any] = json.loads(encode_json(GEMINI_GENERATE.encode_request(request, traits, losses)))
        judge(body)
        return body, [loss.path for loss in losses.entries()]

    return run


def judge(body: dict[str, Any]) -> None:
    assert set(body) <= TOP_LEVEL
    for content in body["contents"]:
        types.Content.model_validate(content)
        assert content["role"] in {"user", "model"}
        assert content["parts"]
    roles = [content["role"] for content in body["contents"]]
    assert all(one != other for one, other in itertools.pairwise(roles)), roles
    assert roles[0] == "user"
    if "systemInstruction" in body:
        types.Content.model_validate(body["systemInstruction"])
        assert "role" not in body["systemInstruction"]
    for tool in body.get("tools", ()):
        types.Tool.model_validate(tool)
    if "toolConfig" in body:
        types.ToolConfig.model_validate(body["toolConfig"])
    types.GenerateContentConfig.model_validate(body.get("generationConfig", {}))
