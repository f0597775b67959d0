"""What the gateway would send for a client's request: the real preparation, up to the socket."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from proxyctl.config.model import ProviderSettings
from proxyctl.core.chat import DialectName
from proxyctl.dialects.registry import INBOUND
from proxyctl.gateway.inbound import Inbound
from proxyctl.gateway.prepare import Prepared, prepare
from proxyctl.gateway.targets import Target, make_target

GEMINI = ("gemini", "gemini-3.8-flash")
OLD_GEMINI = ("gemini", "gemini-2.5-flash")
CLAUDE = ("anthropic", "claude-opus-5-5")
OLD_CLAUDE = ("anthropic", "claude-sonnet-4-5")
COHERE = ("cohere", "command-a-plus-05-2026")
GROQ = ("groq", "openai/gpt-oss-120b")
MISTRAL = ("mistral", "mistral-medium-3-5")
TOGETHER = ("together", "moonshotai/Kimi-K3.1-Pro")
OPENAI = ("openai-compatible", "gpt-5.6")
DEEPSEEK = ("openai-compatible", "deepseek-v4")
RESPONSES = ("openai", "gpt-5.6")

ALL = (GEMINI, OLD_GEMINI, CLAUDE, OLD_CLAUDE, COHERE, GROQ, MISTRAL, TOGETHER, OPENAI, DEEPSEEK)


class Sent(NamedTuple):
    """`body` is what went out, decoded; `raw` its bytes; `lost` the paths of the losses."""

    prepared: Prepared
    body: dict[str, Any]
    raw: bytes
    lost: list[str]
    headers: dict[bytes, bytes]


def target(kind: str) -> Target:
    settings = ProviderSettings(name=kind, kind=kind, mode="pooled", base_url="http://127.0.0.1:9/v1")
    return make_target(settings, credentials=(), missing="", extra_headers={})


TARGETS = {kind: target(kind) for kind, _ in (*ALL, RESPONSES)}


def sent(caller: DialectName, body: bytes, to: tuple[str, str], headers: dict[bytes, bytes] | None = None) -> Sent:
    """Prepare one attempt of this request on this provider and model."""
    kind, model = to
    prepared = prepare(Inbound(INBOUND[caller], headers or {}, body), TARGETS[kind], model, 0)
    raw = prepared.call.body
    lost = [loss.path for loss in prepared.losses.entries()]
    return Sent(prepared, json.loads(raw), raw, lost, dict(prepared.call.headers))
