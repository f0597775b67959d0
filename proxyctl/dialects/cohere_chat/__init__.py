"""Cohere's v2 chat wire format, the upstream direction: requests out, answers, streams and errors in."""

from proxyctl.dialects.cohere_chat.dialect import COHERE_CHAT

__all__ = ["COHERE_CHAT"]
