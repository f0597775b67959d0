"""`server = "…"`: which known server a provider is."""

from pathlib import Path

import pytest

from proxyctl.config.load import parse
from proxyctl.config.problems import ConfigError
from proxyctl.providers._registry import KIND_FACTS

BOX = '[routing]\nprimary = "box"\n[providers.box]\nbase_url = "http://gpu-box:8000/v1"\n'


def test_a_known_server_is_taken() -> None:
    settings = parse(BOX + 'server = "vllm"\n', KIND_FACTS, path=Path("config.toml"))

    assert settings.providers["box"].server == "vllm"


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ('server = "olama"', "there is no server 'olama'", "did you mean `ollama`"),
        ('server = "q"', "there is no server 'q'", "the servers are ollama, lm-studio"),
        ('kind = "openai"\nserver = "ollama"', "a provider of kind openai is no server", ""),
    ],
)
def test_others_are_refused_at_their_line(line: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"{BOX}{line}\n", KIND_FACTS, path=Path("config.toml"))

    [problem] = caught.value.problems
    assert message in problem.message
    assert hint in problem.hint
    assert (problem.key_path, problem.line) == ("providers.box.server", 5 + line.count("\n"))
