"""Google's `generateContent` wire format, both ways."""

from proxyctl.dialects.gemini_generate.dialect import GEMINI_GENERATE

__all__ = ["GEMINI_GENERATE"]
