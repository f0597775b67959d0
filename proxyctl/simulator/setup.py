"""What `proxyctl demo` needs besides the simulator: a config that points at it, and a few failures worth seeing."""

from proxyctl.simulator.faults import Fault

KEY_VARIABLE = "PROXYCTL_DEMO_KEY"
DEMO_KEY = "demo-key-of-the-simulator"

# Paths as each provider's base URL is written in a config: with the version where the OpenAI style has it.
_PATHS = {
    "gemini": "/gemini",
    "anthropic": "/anthropic",
    "openai": "/openai/v1",
    "groq": "/groq/openai/v1",
    "together": "/together/v1",
    "cohere": "/cohere",
    "mistral": "/mistral/v1",
}
_MODES = {"gemini": "pooled"}


def demo_config(simulator_url: str, port: int) -> str:
    """A config file (TOML text): all seven providers at the simulator, Gemini primary, the others as fallbacks.

    The key of every provider is read from the environment variable `KEY_VARIABLE`; any value will do.
    """
    root = simulator_url.rstrip("/")
    sections = [
        "# Written by `proxyctl demo`: every provider here is simulated on this machine. No key, no cost.",
        f"[server]\nport = {port}",
        '[routing]\nprimary = "gemini"',
    ]
    for name, path in _PATHS.items():
        mode = _MODES.get(name, "fallback")
        sections.append(f'[providers.{name}]\nmode = "{mode}"\nbase_url = "{root}{path}"\nkey = "${KEY_VARIABLE}"')
    return "\n\n".join(sections) + "\n"


def demo_faults() -> tuple[Fault, ...]:
    """Failures that a gateway should ride out, and one that it cannot hide."""
    return (
        Fault(kind="status", provider="gemini", status=503, times=2, message="The model is overloaded."),
        Fault(kind="status", provider="groq", status=429, retry_after=1, times=1),
        Fault(kind="reset", provider="mistral", times=1),
        Fault(kind="cut", provider="together", after_frames=3, times=1),
    )
