"""Edits through the file: the wanted change, nothing else, and never a worse file than before."""

import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from proxyctl.config.edit import (
    Demotion,
    ModeChange,
    Removal,
    add_provider,
    remove_alias,
    remove_provider,
    set_alias,
    set_mode,
    set_value,
    unset_value,
    value_from,
)
from proxyctl.config.files import FileBusyError, locked
from proxyctl.config.kinds import MODES, Kinds, Mode
from proxyctl.config.load import load
from proxyctl.config.model import AliasSettings
from proxyctl.config.problems import ConfigError, EditError


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that went and the lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_mode_changes_one_line(config_file: Path, kinds: Kinds) -> None:
    before = config_file.read_text()

    done = set_mode(config_file, kinds, "gemini", "fallback")

    assert done == ModeChange("gemini", "pooled", "fallback", ())
    gone, came = changed_lines(before, config_file.read_text())
    assert gone == ['mode    = "pooled"   # takes part']
    assert came == ['mode    = "fallback"   # takes part']


def test_exclusive_remembers_the_mode_it_had(config_file: Path, kinds: Kinds) -> None:
    set_mode(config_file, kinds, "gemini", "exclusive")

    gemini = load(config_file, kinds).providers["gemini"]
    assert (gemini.mode, gemini.previous_mode) == ("exclusive", "pooled")


def test_exclusive_twice_still_remembers(config_file: Path, kinds: Kinds) -> None:
    set_mode(config_file, kinds, "gemini", "exclusive")
    set_mode(config_file, kinds, "gemini", "exclusive")

    assert load(config_file, kinds).providers["gemini"].previous_mode == "pooled"


def test_next_exclusive_demotes_the_other_to_what_it_was(config_file: Path, kinds: Kinds) -> None:
    set_mode(config_file, kinds, "gemini", "exclusive")

    done = set_mode(config_file, kinds, "groq", "exclusive")

    assert done == ModeChange("groq", "fallback", "exclusive", (Demotion("gemini", "pooled"),))
    providers = load(config_file, kinds).providers
    assert (providers["gemini"].mode, providers["gemini"].previous_mode) == ("pooled", None)
    assert (providers["groq"].mode, providers["groq"].previous_mode) == ("exclusive", "fallback")


def test_exclusive_written_by_hand_is_demoted_to_fallback(config_file: Path, kinds: Kinds) -> None:
    config_file.write_text(config_file.read_text().replace('"off"', '"exclusive"'))

    done = set_mode(config_file, kinds, "groq", "exclusive")

    assert done.demoted == (Demotion("mistral", "fallback"),)


def test_another_mode_ends_the_memory(config_file: Path, kinds: Kinds) -> None:
    before = config_file.read_text()
    set_mode(config_file, kinds, "gemini", "exclusive")

    set_mode(config_file, kinds, "gemini", "pooled")

    assert config_file.read_text() == before


def test_edit_can_repair_two_exclusives(config_file: Path, kinds: Kinds) -> None:
    text = config_file.read_text().replace('"off"', '"exclusive"').replace('"fallback"', '"exclusive"')
    config_file.write_text(text)

    done = set_mode(config_file, kinds, "gemini", "exclusive")

    assert {one.name for one in done.demoted} == {"groq", "mistral"}
    assert load(config_file, kinds).providers["gemini"].mode == "exclusive"


def test_mode_of_a_known_kind_that_is_not_in_the_file(config_file: Path, kinds: Kinds) -> None:
    remove_alias(config_file, kinds, "claude-*")
    remove_provider(config_file, kinds, "mistral")

    done = set_mode(config_file, kinds, "mistral", "pooled")

    assert done.before is None
    assert load(config_file, kinds).providers["mistral"].mode == "pooled"


def test_default_mode_counts_as_the_mode_before(tmp_path: Path, kinds: Kinds) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[providers.gemini]\n[providers.groq]\n")

    assert set_mode(path, kinds, "gemini", "off").before == "pooled"
    assert set_mode(path, kinds, "groq", "pooled").before == "off"


def test_add_provider(config_file: Path, kinds: Kinds) -> None:
    before = config_file.read_text()

    values: dict[str, Any] = {"mode": "pooled", "base_url": "http://127.0.0.1:8000/v1", "keyless": True}
    add_provider(config_file, kinds, "vllm", {**values, "headers": {"x-a": "b"}})

    settings = load(config_file, kinds)
    assert list(settings.providers) == ["gemini", "groq", "mistral", "vllm"]
    assert settings.providers["vllm"].base_url == "http://127.0.0.1:8000/v1"
    assert settings.providers["vllm"].headers == {"x-a": "b"}
    gone, _ = changed_lines(before, config_file.read_text())
    assert gone == []
    assert "\n\n# Short names.\n[aliases]\n" in config_file.read_text()


def test_remove_provider_takes_its_own_lines_only(config_file: Path, kinds: Kinds) -> None:
    before = config_file.read_text()
    set_alias(config_file, kinds, "claude-*", ["gemini:{model}"])

    done = remove_provider(config_file, kinds, "mistral")

    assert done == Removal("mistral", ("large",))
    gone, _ = changed_lines(before, config_file.read_text())
    assert gone == [
        "# The French one.",
        "[providers.mistral]",
        'mode = "off"',
        "[providers.mistral.headers]",
        'x-team = "$TEAM_ID"',
        '"claude-*" = [',
        '    "gemini:{model}",   # first',
        '    "mistral:mistral-large-latest",',
        "]",
        'mistral = "mistral-large-latest"',
    ]


@pytest.mark.parametrize(
    ("edit", "key_path", "message"),
    [
        pytest.param(lambda p, k: set_mode(p, k, "grok", "pooled"), "providers", "no provider 'grok'", id="unknown"),
        pytest.param(lambda p, k: set_mode(p, k, "groq", "fallbck"), "providers.groq.mode", "one of", id="mode"),
        pytest.param(lambda p, k: add_provider(p, k, "groq", {}), "providers.groq", "already", id="twice"),
        pytest.param(
            lambda p, k: add_provider(p, k, "Mine", {"base_url": "http://x"}), "providers.Mine", "lower", id="name"
        ),
        pytest.param(lambda p, k: add_provider(p, k, "mine", {}), "providers.mine", "base_url", id="address"),
        pytest.param(lambda p, k: remove_provider(p, k, "cohere"), "providers", "no provider", id="absent"),
        pytest.param(lambda p, k: remove_provider(p, k, "groq"), "aliases.fast[0]", "no provider 'groq'", id="alias"),
        pytest.param(lambda p, k: set_value(p, k, "server.prot", 1), "server.prot", "no such key", id="key"),
        pytest.param(lambda p, k: set_value(p, k, "server.port", "x"), "server.port", "whole number", id="type"),
        pytest.param(lambda p, k: set_value(p, k, "server.host", "0.0.0.0"), "server.host", "gateway key", id="host"),
        pytest.param(lambda p, k: set_value(p, k, "a b", 1), "", "not a dotted key", id="no key"),
        pytest.param(lambda p, k: set_value(p, k, "a = 1\nb", 1), "", "not a dotted key", id="two keys"),
        pytest.param(lambda p, k: set_value(p, k, "server.port.x", 1), "", "cannot be made safely", id="below a value"),
        pytest.param(lambda p, k: set_value(p, k, "server.host", "\ud800"), "", "UTF-8", id="surrogate"),
        pytest.param(lambda p, k: set_alias(p, k, "x", []), "aliases.x", "at least one", id="empty alias"),
        pytest.param(lambda p, k: set_alias(p, k, "x", ["groq"]), "aliases.x[0]", "provider:model", id="target"),
        pytest.param(
            lambda p, k: unset_value(p, k, "providers.gemini"), "routing.primary", "not configured", id="primary"
        ),
    ],
)
def test_refused_edit_leaves_the_old_bytes(
    config_file: Path, kinds: Kinds, edit: Callable[[Path, Kinds], object], key_path: str, message: str
) -> None:
    before = config_file.read_bytes()

    with pytest.raises(EditError) as caught:
        edit(config_file, kinds)

    assert config_file.read_bytes() == before
    assert any(one.key_path == key_path and message in one.message for one in caught.value.problems)
    assert [one.name for one in config_file.parent.iterdir() if one.suffix == ".new"] == []


def test_unknown_provider_is_refused_with_the_nearest_name(config_file: Path, kinds: Kinds) -> None:
    with pytest.raises(EditError) as caught:
        set_mode(config_file, kinds, "grok", "pooled")

    assert caught.value.problems[0].hint == "did you mean `groq`?"


def test_pasted_key_is_refused_and_not_repeated(config_file: Path, kinds: Kinds) -> None:
    with pytest.raises(ConfigError) as caught:
        set_value(config_file, kinds, "providers.groq.key", "gsk_0123456789")

    assert "gsk_" not in str(caught.value)
    assert "proxyctl providers key" in str(caught.value)


def test_file_with_a_syntax_error_is_not_touched(config_file: Path, kinds: Kinds) -> None:
    config_file.write_text("[server\n")

    with pytest.raises(ConfigError, match="line 1"):
        set_mode(config_file, kinds, "groq", "pooled")

    assert config_file.read_text() == "[server\n"


def test_a_file_that_was_broken_before_is_to_blame_and_not_the_edit(config_file: Path, kinds: Kinds) -> None:
    config_file.write_text("[server]\nprt = 1\n[providers.gemini]\n")

    with pytest.raises(ConfigError) as caught:
        set_value(config_file, kinds, "server.port", "no port")

    assert not isinstance(caught.value, EditError)
    assert [one.key_path for one in caught.value.problems] == ["server.prt"]


def test_an_edit_that_mends_a_broken_file_is_made(config_file: Path, kinds: Kinds) -> None:
    config_file.write_text('[server]\nport = "x"\n[providers.gemini]\n')

    set_value(config_file, kinds, "server.port", 9)

    assert load(config_file, kinds).server.port == 9


def test_the_primary_is_not_removed_even_where_the_file_does_not_name_it(config_file: Path, kinds: Kinds) -> None:
    config_file.write_text("[providers.gemini]\n[providers.groq]\n")

    with pytest.raises(EditError, match="gemini is the primary provider, which cannot be removed"):
        remove_provider(config_file, kinds, "gemini")


def test_missing_file_makes_no_folder(tmp_path: Path, kinds: Kinds) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        set_mode(tmp_path / "none" / "config.toml", kinds, "groq", "pooled")

    assert list(tmp_path.iterdir()) == []


def test_set_and_unset_a_value(config_file: Path, kinds: Kinds) -> None:
    before = config_file.read_text()

    set_value(config_file, kinds, "providers.groq.models.mini", "llama")
    set_value(config_file, kinds, 'aliases."gpt-*"', ["groq:{model}"])
    set_value(config_file, kinds, "routing.max_attempts", 3)

    settings = load(config_file, kinds)
    assert settings.providers["groq"].models["mini"] == "llama"
    assert settings.aliases["gpt-*"] == AliasSettings(targets=("groq:{model}",))
    assert settings.routing.max_attempts == 3
    assert unset_value(config_file, kinds, "providers.groq.models.mini")
    assert unset_value(config_file, kinds, 'aliases."gpt-*"')
    assert unset_value(config_file, kinds, "routing")
    assert not unset_value(config_file, kinds, "routing.max_attempts")
    assert config_file.read_text().split() == before.split()


def test_aliases_come_and_go(config_file: Path, kinds: Kinds) -> None:
    set_alias(config_file, kinds, "fast", ["gemini:a", "groq:b"])
    set_alias(config_file, kinds, 'odd "name"', ["gemini:a"])

    aliases = load(config_file, kinds).aliases
    assert aliases["fast"].targets == ("gemini:a", "groq:b")
    assert aliases['odd "name"'].targets == ("gemini:a",)
    assert "# the quick one" in config_file.read_text()
    assert remove_alias(config_file, kinds, 'odd "name"')
    assert not remove_alias(config_file, kinds, 'odd "name"')


@pytest.mark.parametrize(
    "written",
    [
        '[aliases.whole] # as I like it\ntargets = ["groq:a"] # the quick one\nstrict = true\n',
        '[aliases]\nwhole = { strict = true, targets = ["groq:a"] } # the quick one\n',
        '[aliases]\nwhole.strict = true # the quick one\nwhole.targets = ["groq:a"]\n',
    ],
    ids=["table", "inline", "dotted"],
)
def test_an_alias_that_is_a_table_stays_one(config_file: Path, kinds: Kinds, written: str) -> None:
    config_file.write_text(f"[providers.gemini]\n[providers.groq]\n{written}")

    set_alias(config_file, kinds, "whole", ["gemini:b"])
    set_alias(config_file, kinds, "plain", ["gemini:c"])

    text = config_file.read_text()
    assert load(config_file, kinds).aliases == {
        "whole": AliasSettings(targets=("gemini:b",), strict=True),
        "plain": AliasSettings(targets=("gemini:c",)),
    }
    assert "# the quick one" in text
    assert written.replace("groq:a", "gemini:b") in text
    assert remove_alias(config_file, kinds, "whole")
    assert list(load(config_file, kinds).aliases) == ["plain"]


def test_one_key_of_an_alias_can_be_set(config_file: Path, kinds: Kinds) -> None:
    config_file.write_text('[providers.gemini]\n[aliases.whole]\ntargets = ["gemini:a"]\n')

    set_value(config_file, kinds, "aliases.whole.strict", value=True)

    assert load(config_file, kinds).aliases["whole"].strict
    assert config_file.read_text().endswith('targets = ["gemini:a"]\nstrict = true\n')
    assert unset_value(config_file, kinds, "aliases.whole.strict")


def test_an_alias_that_is_a_list_is_not_made_a_table_unasked(config_file: Path, kinds: Kinds) -> None:
    before = config_file.read_text()

    with pytest.raises(EditError, match="fast is a value, not a table"):
        set_value(config_file, kinds, "aliases.fast.strict", value=True)

    assert config_file.read_text() == before


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_line_ends_and_mode_survive(config_file: Path, kinds: Kinds, ends: str) -> None:
    config_file.write_bytes(config_file.read_text().replace("\n", ends).encode())
    config_file.chmod(0o640)

    set_mode(config_file, kinds, "groq", "exclusive")

    data = config_file.read_bytes()
    assert data.count(b"\r\n") == (data.count(b"\n") if ends == "\r\n" else 0)
    assert stat.S_IMODE(config_file.stat().st_mode) == 0o640


def test_link_stays_a_link(config_file: Path, kinds: Kinds) -> None:
    link = config_file.parent / "folder" / "link.toml"
    link.parent.mkdir()
    link.symlink_to(config_file)

    set_mode(link, kinds, "groq", "pooled")

    assert link.is_symlink()
    assert load(config_file, kinds).providers["groq"].mode == "pooled"


def test_edit_that_changes_nothing_writes_nothing(config_file: Path, kinds: Kinds) -> None:
    inode = config_file.stat().st_ino

    set_mode(config_file, kinds, "groq", "fallback")

    assert config_file.stat().st_ino == inode


def test_concurrent_edits_lose_none(config_file: Path, kinds: Kinds) -> None:
    """Each edit reads what the one before it wrote, because reading and writing happen under one lock."""
    names = [f"alias-{index}" for index in range(12)]
    threads = [threading.Thread(target=set_alias, args=(config_file, kinds, name, ["groq:x"])) for name in names]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(names) <= set(load(config_file, kinds).aliases)


def test_held_lock_ends_in_an_error(config_file: Path) -> None:
    with locked(config_file), pytest.raises(FileBusyError, match="edited by another"), locked(config_file, seconds=0):
        pass


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("2.5", 2.5),
        ("true", True),
        ('["a", "b"]', ["a", "b"]),
        ('"3"', "3"),
        ("pooled", "pooled"),
        ("$KEY", "$KEY"),
        ("groq:llama 3", "groq:llama 3"),
        ("1\nother = 2", "1\nother = 2"),
        ("", ""),
    ],
)
def test_value_from_a_command_line(text: str, value: object) -> None:
    got = value_from(text)

    assert got == value
    assert type(got) is type(value)


def test_mode_of_every_kind_of_file(config_file: Path, kinds: Kinds) -> None:
    config_file.write_text('providers = { gemini = { mode = "pooled" }, groq = { mode = "off" } } # one line\n')

    set_mode(config_file, kinds, "groq", "exclusive")
    set_mode(config_file, kinds, "mistral", "fallback")
    set_mode(config_file, kinds, "gemini", "exclusive")

    providers = load(config_file, kinds).providers
    assert {name: one.mode for name, one in providers.items()} == {
        "gemini": "exclusive",
        "groq": "off",
        "mistral": "fallback",
    }
    assert "# one line" in config_file.read_text()


names = st.sampled_from(["gemini", "groq", "mistral"])
modes: st.SearchStrategy[Mode] = st.sampled_from(MODES)


@given(st.lists(st.tuples(names, modes), max_size=6))
@examples(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_modes_set_in_any_order(config_file: Path, kinds: Kinds, steps: list[tuple[str, Mode]]) -> None:
    """The file says what the steps say, at most one is exclusive, and everything but modes is as before."""
    start = load(config_file, kinds)
    text = config_file.read_text()
    expected: dict[str, Mode] = {name: one.mode for name, one in start.providers.items()}

    for name, mode in steps:
        done = set_mode(config_file, kinds, name, mode)
        assert done.before == expected[name]
        expected |= {one.name: one.after for one in done.demoted}
        expected[name] = mode

    settings = load(config_file, kinds)
    assert {name: one.mode for name, one in settings.providers.items()} == expected
    assert (settings.aliases, settings.tiers, settings.server) == (start.aliases, start.tiers, start.server)
    assert without_modes(config_file.read_text()) == without_modes(text)
    config_file.write_text(text)


def without_modes(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith(("mode ", "previous_mode "))]


aliases: st.SearchStrategy[Mapping[str, list[str]]] = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
        lambda name: name == name.strip() and ":" not in name
    ),
    st.lists(st.sampled_from(["groq:a", "gemini:{model}", "mistral:b c/d:e"]), min_size=1, max_size=3),
    max_size=4,
)


@given(aliases)
@examples(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_aliases_round_trip(config_file: Path, kinds: Kinds, wanted: Mapping[str, list[str]]) -> None:
    start = load(config_file, kinds)
    text = config_file.read_text()

    for name, targets in wanted.items():
        set_alias(config_file, kinds, name, targets)
    settings = load(config_file, kinds)

    assert settings.aliases == {
        **start.aliases,
        **{name: AliasSettings(targets=tuple(one)) for name, one in wanted.items()},
    }
    assert settings.providers == start.providers
    for name in wanted:
        assert remove_alias(config_file, kinds, name)
    kept = {name: one for name, one in start.aliases.items() if name not in wanted}
    assert load(config_file, kinds).aliases == kept
    config_file.write_text(text)
