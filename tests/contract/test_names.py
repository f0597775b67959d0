"""Names that say nothing, and providers' names outside their own files.

Knowledge of one provider that is spread over many places is what this project was built to avoid: a provider is a file,
a dialect is a folder, and nothing else may ask which one it has before it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from .source import PACKAGE, TESTS, Module, modules

EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "shared", "stuff"}

PROVIDERS = ("gemini", "anthropic", "groq", "together", "cohere", "mistral")
OWN_FILES = re.compile(
    r"providers/(gemini|anthropic|groq|together|cohere|mistral)\.py"
    r"|dialects/(gemini_generate|anthropic_messages|cohere_chat)/.*"
    r"|simulator/.*"
)
DIALECT_WORDS = re.compile(
    r"gemini[-_]generate|anthropic[-_]messages|cohere[-_]chat|anthropic-(version|beta|ratelimit|priority)",
    re.IGNORECASE,
)
"""Dialects and their headers bear the names of those who made them; many speak them."""

ALLOWED = {
    "providers/_registry.py": "the list of the kinds",
    "gateway/routes.py": "the path /anthropic, under which clients of that dialect look",
    "gateway/listing.py": "the model list in the shape of each inbound dialect",
    "gateway/reply.py": "response headers that are handed back",
    "gateway/side/endpoints.py": "the path /anthropic, under which clients of that dialect look",
    "dialects/openai_chat/chunks.py": "the wire member `x_groq`, which any OpenAI-style server may send",
    "dialects/error_body.py": "the wire member `x_groq`",
    "cli/commands/demo.py": "examples to type",
    "cli/scripts.py": "a comment in the shell script, about colons in model names",
    "cli/views/daemon.py": "which SDKs may be pointed at the address",
}
"""Files that may name a provider, each with its reason. An entry that is no longer needed fails too."""

_NAMED = re.compile(rf"(?<![a-z])({'|'.join(PROVIDERS)})(?![a-z])", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def test_no_module_has_a_name_that_says_nothing() -> None:
    wrong = []
    for module in [*modules(PACKAGE), *modules(TESTS)]:
        path = PurePosixPath(module.name)
        words = {part.strip("_").removeprefix("test_") for part in (*path.parent.parts, path.stem)}
        if words & EMPTY_NAMES:
            wrong.append(module.name)

    assert wrong == []


def test_a_providers_name_stands_in_its_own_files() -> None:
    wrong = [
        f"{module.name}:{line}: {word[:60]!r}"
        for module in modules()
        if not OWN_FILES.fullmatch(module.name) and module.name not in ALLOWED
        for line, word in named_providers(module)
    ]

    assert wrong == []


@pytest.mark.parametrize("name", ALLOWED)
def test_no_exception_outlives_its_reason(name: str) -> None:
    module = Module(PACKAGE / name, PACKAGE)

    assert module.path.exists()
    assert any(named_providers(module))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("if provider == 'groq': pass", True),
        ("GroqExtra = 1", True),
        ("from proxyctl.providers import mistral", True),
        ("kinds = {'together': 1}", True),
        ("x = 'tools and schemas together'", False),
        ("x = 'gemini-generate'", False),
        ("h = b'anthropic-version'", False),
        ("def f():\n    '''As Gemini does.'''", False),
    ],
)
def test_the_search_itself(code: str, *, found: bool) -> None:
    assert any(_providers_in(ast.parse(code))) is found


def named_providers(module: Module) -> list[tuple[int, str]]:
    return list(_providers_in(module.tree))


def _providers_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of each identifier or string, docstrings excepted, that names a provider."""
    explained = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        for word in _words(node, explained):
            plain = DIALECT_WORDS.sub("", word)
            if " " in plain:
                plain = plain.replace("together", "")  # the English word, in a sentence
            if _NAMED.search(_CAMEL.sub("_", plain)):
                yield line, word


def _words(node: ast.AST, explained: set[int]) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        if id(node) not in explained and isinstance(node.value, str):
            yield node.value
        elif isinstance(node.value, bytes):
            yield node.value.decode("latin-1")
        return
    for field in ("id", "attr", "name", "arg", "module", "asname"):
        word = getattr(node, field, None)
        if isinstance(word, str):
            yield word
