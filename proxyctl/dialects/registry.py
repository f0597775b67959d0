"""Which dialects there are, by name, and in which direction each is spoken."""

from __future__ import annotations

from collections.abc import Mapping

from proxyctl.core.chat import DialectName
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.base import InboundDialect, UpstreamDialect
from proxyctl.dialects.cohere_chat import COHERE_CHAT
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES

INBOUND: Mapping[DialectName, InboundDialect] = {
    dialect.name: dialect for dialect in (OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES, GEMINI_GENERATE)
}
UPSTREAM: Mapping[DialectName, UpstreamDialect] = {
    dialect.name: dialect
    for dialect in (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES, GEMINI_GENERATE, COHERE_CHAT)
} | {"openai-completions": OPENAI_CHAT}
"""Legacy completions are only ever passed on, never translated to: their errors are chat's."""
