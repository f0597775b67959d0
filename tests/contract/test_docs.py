"""Every config key, every route, every command and every kind of provider stands in the documentation.

And the other way round where it can be seen: a key or a command that is documented exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import cast

import pytest
from quart import Quart

from proxyctl.cli.app import COMMANDS
from proxyctl.cli.lazy import Entry
from proxyctl.config.model import ChatFlags, ProviderSettings, RoutingSettings, ServerSettings, StoreSettings
from proxyctl.gateway.blueprints.register import management
from proxyctl.gateway.blueprints.state_protocol import AdminState
from proxyctl.providers._registry import KINDS

from .source import DOCS, ROOT

SHORT_FOR_KEYS = {"key"}
SECTIONS: dict[str, set[str]] = {
    "[server]": {field.name for field in fields(ServerSettings)},
    "[routing]": {field.name for field in fields(RoutingSettings)},
    "[providers.NAME]": {field.name for field in fields(ProviderSettings)} - {"name", "chat"},
    "[providers.NAME.chat]": {field.name for field in fields(ChatFlags)},
    "[store]": {field.name for field in fields(StoreSettings)},
}
PAGES = (
    "quickstart.md",
    "clients.md",
    "gemini-clients.md",
    "providers.md",
    "compatibility.md",
    "side-endpoints.md",
    "configuration.md",
    "routing.md",
    "management-api.md",
    "cli.md",
    "architecture.md",
    "contributing.md",
    "changelog.md",
)
TABLES = ("[providers.NAME.chat]", "[aliases]", "[tiers", "[store]")


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def section(text: str, title: str) -> str:
    """The page's part below the heading that names `title`, up to the next heading of any level."""
    parts = re.split(r"^(#+ .*)$", text, flags=re.MULTILINE)
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        if f"`{title}`" in heading:
            return body
    raise AssertionError(f"docs/configuration.md has no heading for {title}")


def rows(text: str) -> set[str]:
    """The first cells of a table's rows, where they are code."""
    return set(re.findall(r"^\| `([^`|]+)` \|", text, flags=re.MULTILINE))


@pytest.mark.parametrize("title", SECTIONS)
def test_every_config_key_has_its_row_and_every_row_its_key(title: str) -> None:
    documented = rows(section(page("configuration.md"), title))

    assert documented - SHORT_FOR_KEYS - {"chat"} == SECTIONS[title]


@pytest.mark.parametrize("title", TABLES)
def test_every_config_section_is_explained(title: str) -> None:
    assert title in page("configuration.md")


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of all that the management API answers, as `GET /providers/logs/<name>`.

    The handlers are only registered, never called: they need no state for it.
    """
    app = Quart("contract")
    for blueprint in management(cast(AdminState, None)):
        app.register_blueprint(blueprint)
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if not rule.rule.startswith("/static"):
                yield method, rule.rule


@pytest.mark.parametrize(("method", "path"), sorted({*routes(), ("GET", "/openapi.json")}))
def test_every_route_of_the_management_api_is_documented(method: str, path: str) -> None:
    shape = re.sub(r"<(?:\w+:)?\w+>", "(?:<[a-z_]+>|{[a-z_]+}|[A-Z_]+)", path)

    assert re.search(rf"`{method} {shape}[`?]", page("management-api.md")), f"{method} {path}"


def commands(entries: tuple[Entry, ...] = COMMANDS, above: str = "proxyctl") -> Iterator[str]:
    for entry in entries:
        yield f"{above} {entry.name}"
        yield from commands(entry.children, f"{above} {entry.name}")


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_has_its_heading(command: str) -> None:
    assert re.search(rf"^#+ `?{re.escape(command)}`?$", page("cli.md"), flags=re.MULTILINE)


def test_no_heading_is_for_a_command_that_does_not_exist() -> None:
    headings = re.findall(r"^#+ `?(proxyctl [a-z -]+?)`?$", page("cli.md"), flags=re.MULTILINE)

    assert set(headings) <= set(commands())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_provider_has_its_row_with_its_variables(kind: str) -> None:
    lines = [line for line in page("providers.md").splitlines() if line.startswith("|") and f"`{kind}`" in line]

    assert lines
    assert all(any(f"`{variable}`" in line for line in lines) for variable in KINDS[kind].key_env)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_there_and_links_to_what_exists(name: str) -> None:
    text = page(name)

    assert re.match(r"(<!-- .* -->\n\n)?# ", text)
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
        assert (DOCS / target).exists(), f"{name} links to {target}"


def test_the_readme_links_to_what_exists() -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", (ROOT / "README.md").read_text("utf-8")):
        assert (ROOT / target).exists(), target
