"""Google's `generateContent` wire format, the upstream direction: requests out, answers, streams and errors in."""

from proxyctl.dialects.gemini_generate.dialect import GEMINI_GENERATE

__all__ = ["GEMINI_GENERATE"]
