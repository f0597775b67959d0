"""Which key a provider gets, from where, and what is said when there is none."""

from pathlib import Path
from typing import Any

import pytest

from proxyctl.config.kinds import Kinds
from proxyctl.config.model import ProviderSettings, ServerSettings
from proxyctl.config.paths import Paths
from proxyctl.config.secrets import (
    KeySources,
    Secret,
    SecretsFileError,
    gateway_keys,
    known_secrets,
    missing_reason,
    resolve,
    resolve_headers,
    unresolved,
    write_entry,
)

Found = list[tuple[str, str, str]]


def provider(name: str = "groq", kind: str | None = None, **values: Any) -> ProviderSettings:
    return ProviderSettings(name=name, kind=kind or name, mode="pooled", **values)


def sources(environ: dict[str, str] | None = None, dotenv: dict[str, str] | None = None, **entries: str) -> KeySources:
    return KeySources(environ or {}, dotenv or {}, {name: Secret(text) for name, text in entries.items()})


def found(one: ProviderSettings, kinds: Kinds, where: KeySources) -> Found:
    return [(got.label, got.secret.reveal(), got.source) for got in resolve(one, kinds, where)]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (sources({"GROQ_API_KEY": "a"}, {"GROQ_API_KEY": "b"}, groq="c"), [("$GROQ_API_KEY", "a", "environment")]),
        (sources({"GROQ_API_KEY": ""}, {"GROQ_API_KEY": "b"}, groq="c"), [("$GROQ_API_KEY", "b", ".env")]),
        (sources({"GROQ_API_KEY": " \n"}, {}, groq="c"), [("secrets file", "c", "secrets file")]),
        (sources({"GROQ_API_KEY": " a\n"}), [("$GROQ_API_KEY", "a", "environment")]),
        (sources(mistral="c"), []),
    ],
)
def test_usual_key(kinds: Kinds, where: KeySources, expected: Found) -> None:
    """Environment, then `.env`, then the secrets file; what is empty is not set."""
    assert found(provider(), kinds, where) == expected


def test_usual_variables_are_names_of_one_key_and_no_pool(kinds: Kinds) -> None:
    where = sources({"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": "b"})

    assert found(provider("gemini"), kinds, where) == [("$GEMINI_API_KEY", "a", "environment")]


def test_given_keys_are_a_pool_in_file_order(kinds: Kinds) -> None:
    where = sources({"ONE": "1", "TWO": "2", "GROQ_API_KEY": "3"}, work="4")
    one = provider(keys=("$TWO", "secret:work", "$ONE"))

    assert [key for _, key, _ in found(one, kinds, where)] == ["2", "4", "1"]
    assert [label for label, _, _ in found(one, kinds, where)] == ["$TWO", "secret:work", "$ONE"]


def test_one_key_under_two_names_is_one_credential(kinds: Kinds) -> None:
    where = sources({"ONE": "same", "TWO": "same"})

    assert found(provider(keys=("$ONE", "$TWO")), kinds, where) == [("$ONE", "same", "environment")]


def test_missing_part_of_a_pool_is_said_and_the_rest_works(kinds: Kinds) -> None:
    one, where = provider(keys=("$ONE", "$TWO", "secret:x")), sources({"ONE": "1"})

    assert len(resolve(one, kinds, where)) == 1
    assert missing_reason(one, kinds, where) is None
    assert unresolved(one, kinds, where) == (
        "$TWO is not set",
        "secret:x is not stored: use `proxyctl providers key x`",
    )


def test_stored_key_helps_out_when_no_given_one_is_found(kinds: Kinds) -> None:
    """Who stores a key for a provider whose file names a variable wants it used."""
    one = provider(keys=("$ONE",))

    assert found(one, kinds, sources(groq="s")) == [("secrets file", "s", "secrets file")]
    assert [key for _, key, _ in found(one, kinds, sources({"ONE": "1"}, groq="s"))] == ["1"]


@pytest.mark.parametrize(
    ("one", "where", "reason"),
    [
        (
            provider(),
            sources(),
            "no key: set GROQ_API_KEY, or store one with `proxyctl providers key groq`",
        ),
        (
            provider("gemini"),
            sources(),
            "no key: set GEMINI_API_KEY or GOOGLE_API_KEY, or store one with `proxyctl providers key gemini`",
        ),
        (provider(keys=("$A", "$B")), sources(), "$A is not set; $B is not set"),
        (
            provider("gemini", keys=("$GEMINI_API_KEY",)),
            sources({"GOOGLE_API_KEY": "g"}),
            "$GEMINI_API_KEY is not set; $GOOGLE_API_KEY is set, but `key` in the config names another variable",
        ),
        (provider("gemini", keys=("$GEMINI_API_KEY", "$B")), sources({"B": "g", "GOOGLE_API_KEY": "h"}), None),
        (
            provider(),
            sources({"GROQ_API_KEY": "a b"}),
            "$GROQ_API_KEY (environment) holds characters that no header may carry",
        ),
        (
            provider(),
            sources(groq="a\r\nb"),
            "the secrets file's entry groq holds characters that no header may carry",
        ),
        (
            provider(headers={"x-team": "$TEAM"}),
            sources({"GROQ_API_KEY": "a"}),
            "$TEAM is not set, which the header x-team needs",
        ),
        (provider("mine", "openai-compatible", keys=("$A",)), sources(), "$A is not set"),
        (provider("mine", "openai-compatible"), sources(), None),
        (provider("work", "groq", keyless=True), sources(), None),
        (provider(), sources({"GROQ_API_KEY": "a"}), None),
    ],
)
def test_reason_why_a_provider_is_inactive(
    kinds: Kinds, one: ProviderSettings, where: KeySources, reason: str | None
) -> None:
    assert missing_reason(one, kinds, where) == reason


def test_second_provider_of_a_kind_uses_its_usual_variable_and_its_own_entry(kinds: Kinds) -> None:
    one = provider("work", "groq")

    assert [key for _, key, _ in found(one, kinds, sources({"GROQ_API_KEY": "a"}))] == ["a"]
    assert [key for _, key, _ in found(one, kinds, sources(work="w", groq="g"))] == ["w"]


def test_keyless_provider_sends_no_key(kinds: Kinds) -> None:
    one = provider("work", "groq", keyless=True)

    assert resolve(one, kinds, sources({"GROQ_API_KEY": "a"}, work="w")) == ()


def test_server_of_ones_own_uses_its_stored_key(kinds: Kinds) -> None:
    assert [key for _, key, _ in found(provider("mine", "openai-compatible"), kinds, sources(mine="m"))] == ["m"]


def test_headers_are_literal_or_looked_up() -> None:
    one = provider(headers={"x-a": "plain text", "x-b": "$B", "x-c": "$C"})

    got = resolve_headers(one, sources({}, {"B": "Bearer of b"}))

    assert {name: secret.reveal() for name, secret in got.items()} == {"x-a": "plain text", "x-b": "Bearer of b"}


def test_gateway_keys_and_what_is_missing() -> None:
    server = ServerSettings(keys=("$A", "$B", "secret:gate"))

    keys, missing = gateway_keys(server, sources({"A": "1"}, gate="2"))

    assert [(key.label, key.secret.reveal()) for key in keys] == [("$A", "1"), ("secret:gate", "2")]
    assert missing == ("$B is not set",)
    assert gateway_keys(ServerSettings(), sources({"A": "1"})) == ((), ())


def test_known_secrets_are_all_that_may_turn_up(kinds: Kinds) -> None:
    server = ServerSettings(keys=("$GATE",))
    providers = [provider(headers={"x-b": "$B", "x-plain": "plain"}), provider("gemini"), provider("mistral")]
    where = sources({"GATE": "g", "GROQ_API_KEY": "q", "GEMINI_API_KEY": "q", "B": "b"}, other="o")

    secrets = known_secrets(server, providers, kinds, where)

    assert sorted(secret.reveal() for secret in secrets) == ["b", "g", "o", "q"]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find(None, {"PROXYCTL_HOME": str(tmp_path / "home")})


def test_sources_are_read_from_all_three(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("B", raising=False)
    (tmp_path / ".env").write_text("# keys\nexport B='b$A ${A}'\nEMPTY\n")
    write_entry(paths.secrets_file, "c", Secret("c"))

    where = KeySources.read(paths, {"A": "a"}, tmp_path)

    assert (where.environ, where.dotenv) == ({"A": "a"}, {"B": "b$A ${A}"})
    assert where.entries == {"c": Secret("c")}
    assert where.notes == ()
    with pytest.raises(KeyError):
        monkeypatch.delenv("B")


def test_broken_dotenv_is_noted_and_ignored(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff")

    where = KeySources.read(paths, {}, tmp_path)

    assert where.dotenv == {}
    assert "is ignored" in where.notes[0]


def test_unsafe_secrets_file_is_an_error(paths: Paths, tmp_path: Path) -> None:
    write_entry(paths.secrets_file, "c", Secret("c"))
    paths.secrets_file.chmod(0o644)

    with pytest.raises(SecretsFileError, match="others may read it"):
        KeySources.read(paths, {}, tmp_path)


def test_sources_and_credentials_show_no_key(kinds: Kinds) -> None:
    where = sources({"GROQ_API_KEY": "hunter2"}, {"X": "hunter2"}, groq="hunter2")

    assert "hunter2" not in repr(where)
    assert "hunter2" not in repr(resolve(provider(), kinds, where))
