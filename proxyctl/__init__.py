"""A local LLM gateway: one daemon, many providers, the wire formats clients already speak."""

__version__ = "0.1.0"
