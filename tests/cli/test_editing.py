"""The commands that edit the config or the keys, with and without a daemon."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from proxyctl.admin import schema
from tests.client.stand_in import StandIn

from . import samples
from .shell import CONFIG, Shell, as_json, output

NO_DAEMON = "No daemon runs: this counts from the next `proxyctl start`.\n"
RELOADED = "The running daemon has reloaded.\n"


@pytest.fixture
def config(shell: Shell) -> Path:
    return shell.has_config()


@pytest.fixture
def running(daemon: StandIn) -> StandIn:
    daemon.answers("GET", "/daemon/status", samples.DAEMON)
    daemon.answers("POST", "/daemon/reload", schema.ReloadResult(changed=("x",)))
    daemon.answers("GET", "/providers/status", samples.STATUS)
    return daemon


def test_a_mode_is_set(shell: Shell, config: Path) -> None:
    assert output(shell.run("providers", "set", "groq", "fallback")) == (0, "groq: off -> fallback\n", NO_DAEMON)
    assert config.read_text() == CONFIG.replace('mode = "off"  # for now', 'mode = "fallback"  # for now')


def test_a_mode_is_set_again(shell: Shell, config: Path) -> None:
    assert shell.run("providers", "set", "groq", "OFF").stdout == "groq: off, as it was\n"
    assert config.read_text() == CONFIG


def test_several_modes_at_once(shell: Shell, config: Path) -> None:
    result = shell.run("providers", "set", "gemini", "groq", "pooled")

    assert result.stdout == "gemini: pooled, as it was\ngroq: off -> pooled\n"
    assert config.read_text().count('"pooled"') == 2


def test_a_known_kind_is_added(shell: Shell, config: Path) -> None:
    assert shell.run("providers", "set", "mistral", "fallback").stdout == "mistral: added as fallback\n"
    assert "[providers.mistral]" in config.read_text()


def test_who_makes_room_is_named(shell: Shell, config: Path) -> None:
    shell.run("providers", "set", "groq", "exclusive")

    result = shell.run("providers", "set", "my-server", "exclusive")

    assert result.stdout == ("my-server: fallback -> exclusive\ngroq: exclusive -> off, to make room for my-server\n")
    assert config.read_text().count('"exclusive"') == 1


def test_a_running_daemon_is_reloaded(shell: Shell, config: Path, running: StandIn) -> None:
    result = shell.run("providers", "set", "groq", "pooled")

    assert (result.exit_code, result.stdout) == (0, "groq: off -> pooled\n")
    assert result.stderr == (
        RELOADED + "groq is cooling: rate limited for 12 s more; `proxyctl providers reset groq` tries it at once\n"
    )
    assert [one.path for one in running.received] == ["/daemon/reload", "/providers/status"]
    assert 'mode = "pooled"' in config.read_text()


def test_nothing_is_said_of_what_is_turned_off(shell: Shell, config: Path, running: StandIn) -> None:
    del config, running

    assert shell.run("providers", "set", "cohere", "off").stderr == RELOADED


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("groq", "falback"), "error: there is no mode `falback`\nhint: did you mean `fallback`?\n"),
        (("groq", "xyz"), "error: there is no mode `xyz`\nhint: the modes are off, exclusive, pooled, fallback\n"),
        (
            ("groq", "gemini"),
            "error: there is no mode `gemini`\nhint: the modes are off, exclusive, pooled, fallback\n",
        ),
        (("pooled",), "error: no provider is named\nhint: for example `proxyctl providers set NAME pooled`\n"),
        (("grok", "off"), "error: there is no provider `grok`\nhint: did you mean `groq`?\n"),
        (
            ("groq", "gemini", "exclusive"),
            "error: only one provider can be exclusive\nhint: use pooled for several\n",
        ),
    ],
)
def test_a_mode_that_cannot_be_set(shell: Shell, config: Path, words: tuple[str, ...], error: str) -> None:
    assert output(shell.run("providers", "set", *words)) == (2, "", error)
    assert config.read_text() == CONFIG


def test_no_config_yet(shell: Shell) -> None:
    code, out, err = output(shell.run("providers", "set", "groq", "pooled"))

    assert (code, out) == (4, "")
    assert err == (
        f"error: {shell.paths.config_file}: there is no such file\nhint: `proxyctl start` writes a first one\n"
    )


def test_a_broken_config_is_not_edited(shell: Shell) -> None:
    broken = '[providers.groq]\nmode = "of"\nweigth = 1\n'
    config = shell.has_config(broken)

    code, out, err = output(shell.run("providers", "set", "groq", "pooled"))

    assert (code, out) == (4, "")
    assert f"error: {config} is invalid\n" in err
    assert "line 3: providers.groq.weigth: there is no such key (did you mean `weight`?)" in err
    assert "hint: `proxyctl config edit` opens it" in err
    assert config.read_text() == broken


def test_a_server_is_added(shell: Shell, config: Path) -> None:
    words = ("vllm", "--base-url", "http://127.0.0.1:8000/v1", "--key-env", "VLLM_KEY", "--mode", "pooled")

    assert output(shell.run("providers", "add", *words)) == (0, "vllm: added as pooled\n", NO_DAEMON)
    table = config.read_text().partition("[providers.vllm]")[2]
    assert 'base_url = "http://127.0.0.1:8000/v1"' in table
    assert 'key = "$VLLM_KEY"' in table


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("vllm",), 2, "error: `vllm` needs an address\nhint: `proxyctl providers add vllm --base-url URL`\n"),
        (
            ("groq",),
            1,
            "error: there is a provider `groq` already\nhint: `proxyctl providers set groq MODE` changes it\n",
        ),
        (("mistral", "--mode", "poled"), 2, "error: there is no mode `poled`\nhint: did you mean `pooled`?\n"),
    ],
)
def test_a_server_that_cannot_be_added(
    shell: Shell, config: Path, words: tuple[str, ...], code: int, error: str
) -> None:
    assert output(shell.run("providers", "add", *words)) == (code, "", error)
    assert config.read_text() == CONFIG


def test_a_bad_address_is_wrong_usage_and_no_fault_of_the_file(shell: Shell, config: Path) -> None:
    assert output(shell.run("providers", "add", "vllm", "--base-url", "not an address")) == (
        2,
        "",
        "error: providers.vllm.base_url: is not an http or https URL\nhint: for example http://127.0.0.1:11434/v1\n",
    )
    assert config.read_text() == CONFIG


def test_a_bad_address_in_a_broken_file_is_the_file_s_fault_first(shell: Shell) -> None:
    config = shell.has_config("[server]\nprt = 1\n")

    code, _, err = output(shell.run("providers", "add", "vllm", "--base-url", "not an address"))

    assert code == 4
    assert f"error: {config} is invalid\n  line 2: server.prt: there is no such key" in err
    assert "vllm" not in err


def test_the_primary_is_not_removed(shell: Shell, config: Path) -> None:
    assert output(shell.run("providers", "remove", "gemini")) == (
        1,
        "",
        (
            "error: gemini is the primary provider, which cannot be removed\n"
            "hint: name another with `proxyctl config edit`, or turn it off: `proxyctl providers set gemini off`\n"
        ),
    )
    assert config.read_text() == CONFIG


def test_a_key_in_the_place_of_a_variable_is_not_repeated(shell: Shell, config: Path) -> None:
    key = "sk-live-0123456789"

    code, out, err = output(shell.run("providers", "add", "mistral", "--key-env", key))

    assert (code, out) == (2, "")
    assert key not in err
    assert config.read_text() == CONFIG


def test_a_server_is_removed(shell: Shell, config: Path) -> None:
    assert output(shell.run("providers", "remove", "my-server")) == (0, "my-server: removed\n", NO_DAEMON)
    assert "my-server" not in config.read_text()


def test_only_what_is_there_is_removed(shell: Shell, config: Path) -> None:
    assert shell.run("providers", "remove", "mistral").exit_code == 2
    assert config.read_text() == CONFIG


def test_a_key_is_stored_from_standard_input(shell: Shell, config: Path) -> None:
    result = shell.run("providers", "key", "groq", typed="gsk_123\n")

    assert output(result) == (0, "groq: the key is stored\n", NO_DAEMON)
    secrets = shell.paths.secrets_file
    assert '"groq": "gsk_123"' in secrets.read_text()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert config.read_text() == CONFIG


def test_a_key_is_replaced_and_forgotten(shell: Shell, config: Path, running: StandIn) -> None:
    del config, running
    shell.run("providers", "key", "groq", typed="one")

    assert shell.run("providers", "key", "groq", typed="two").stdout == "groq: another key is stored in its place\n"
    assert shell.run("providers", "key", "groq", "--remove").stdout == "groq: the stored key is forgotten\n"
    assert output(shell.run("providers", "key", "groq", "--remove"))[0] == 1


def test_a_key_on_the_command_line_is_refused_and_not_repeated(shell: Shell, config: Path) -> None:
    del config

    code, out, err = output(shell.run("providers", "key", "groq", "gsk_live_123"))

    assert (code, out) == (2, "")
    assert err == (
        "error: a key is not taken from the command line, where others can see it\nhint: leave it out and be asked\n"
    )
    assert not shell.paths.secrets_file.exists()


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("", "no key was given"),
        (" \n\n", "no key was given"),
        ("gsk two words", "it holds spaces\nhint: give the key alone; nothing was stored"),
        ("gsk_one\ngsk_two\n", "it has several lines\nhint: give the key alone, on one line"),
        ("gsk_\x1b[2J", "it holds characters that no header may carry"),
        ("gsk_\x00", "it holds characters that no header may carry"),
        ("gsk_schlüssel", "it holds characters that no header may carry"),
        ("GROQ_API_KEY=gsk_1", "it begins with a variable's name"),
        ('"gsk_1"', "it stands in quotes"),
    ],
)
def test_no_key(shell: Shell, config: Path, typed: str, error: str) -> None:
    del config

    code, out, err = output(shell.run("providers", "key", "groq", typed=typed))

    assert (code, out) == (1, "")
    assert error in err
    assert "gsk" not in err
    assert not shell.paths.secrets_file.exists()


def test_a_variable_that_wins_over_the_stored_key_is_named(shell: Shell, config: Path) -> None:
    del config
    shell.environ["GROQ_API_KEY"] = "gsk_of_the_environment"

    result = shell.run("providers", "key", "groq", typed="gsk_stored\n")

    assert output(result) == (
        0,
        "groq: the key is stored\n",
        NO_DAEMON + "But it is not used while $GROQ_API_KEY is set, which wins over a stored key.\n",
    )
    assert "GROQ" not in shell.run("providers", "key", "groq", "--remove").stderr


def test_the_key_that_the_daemon_uses_is_the_one_that_is_told(shell: Shell, config: Path, running: StandIn) -> None:
    """Its environment is not that of the command."""
    del config, running

    assert (
        "But it is not used while $GEMINI_API_KEY is set" in shell.run("providers", "key", "gemini", typed="x").stderr
    )
    assert "But" not in shell.run("providers", "key", "groq", typed="x").stderr


def test_a_key_for_nobody(shell: Shell, config: Path) -> None:
    del config

    assert shell.run("providers", "key", "grok", typed="x").stderr.endswith("hint: did you mean `groq`?\n")


def test_a_key_that_the_config_names(shell: Shell) -> None:
    shell.has_config('[providers.groq]\nkey = "secret:work"\n')

    assert shell.run("providers", "key", "work", typed="x").stdout == "work: the key is stored\n"


def test_a_secrets_file_that_others_can_read(shell: Shell, config: Path) -> None:
    del config
    shell.run("providers", "key", "groq", typed="one")
    shell.paths.secrets_file.chmod(0o644)

    code, _, err = output(shell.run("providers", "key", "groq", typed="two"))

    assert code == 1
    assert "others may read it" in err
    assert f"hint: chmod 600 {shell.paths.secrets_file}\n" in err


def test_where_the_config_is(shell: Shell) -> None:
    assert output(shell.run("config", "path")) == (0, f"{shell.paths.config_file}\n", "")
    assert as_json(shell.run("config", "path", "--json"))["state_file"] == str(shell.paths.state_file)


def test_the_config_is_shown_as_it_is(shell: Shell, config: Path) -> None:
    del config

    assert shell.run("config", "show").stdout == CONFIG
    assert as_json(shell.run("config", "show", "--json"))["providers"]["groq"] == {"mode": "off"}


@pytest.mark.parametrize("line", ['key = "sk-abc123"', 'keys = ["$GROQ", "sk-abc123", "sk-abc123-2"]'])
def test_a_pasted_key_is_not_shown(shell: Shell, line: str) -> None:
    shell.has_config(f"[providers.groq]\n{line}\n")

    for words in (("config", "show"), ("config", "show", "--json"), ("config", "validate")):
        result = shell.run(*words)
        assert "abc123" not in result.output
    assert "***" in shell.run("config", "show").stdout


def test_a_valid_config(shell: Shell, config: Path) -> None:
    assert output(shell.run("config", "validate")) == (
        0,
        f"{config} is valid: gemini pooled, groq off, my-server fallback\n",
        "",
    )
    assert as_json(shell.run("config", "validate", "--json")) == {"valid": True, "path": str(config), "problems": []}


def test_every_mistake_of_a_config(shell: Shell, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[server]\nport = "x"\n[providers.gemini]\nmode = "poold"\n')

    code, out, err = output(shell.run("config", "validate", str(other)))

    assert (code, out) == (4, "")
    assert "line 2: server.port: must be a whole number" in err
    assert "line 4: providers.gemini.mode: must be one of" in err
    told = as_json(shell.run("config", "validate", str(other), "--json"))
    assert [(one["line"], one["key"]) for one in told["problems"]] == [(2, "server.port"), (4, "providers.gemini.mode")]


def editor(tmp_path: Path, script: str) -> str:
    """An editor that runs a shell script with the file as `$1`."""
    path = tmp_path / "editor.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_an_edit_replaces_the_config(shell: Shell, config: Path, tmp_path: Path) -> None:
    shell.environ["EDITOR"] = editor(tmp_path, "printf '\\n[routing]\\nsubstitute = false\\n' >> \"$1\"")

    assert output(shell.run("config", "edit")) == (0, f"{config} is changed\n", NO_DAEMON)
    assert config.read_text() == CONFIG + "\n[routing]\nsubstitute = false\n"
    assert list(config.parent.glob("*draft*")) == []


def test_a_bad_edit_is_kept_beside_it(shell: Shell, config: Path, tmp_path: Path) -> None:
    shell.environ["VISUAL"] = editor(tmp_path, "echo 'nonsense' >> \"$1\"")

    code, out, err = output(shell.run("config", "edit"))

    draft = config.with_name("config.draft.toml")
    assert (code, out) == (4, "")
    assert "is not valid TOML" in err
    assert f"hint: your text is kept in {draft}; the config is as it was. `proxyctl config edit` goes on" in err
    assert config.read_text() == CONFIG
    assert draft.read_text() == CONFIG + "nonsense\n"


@pytest.mark.parametrize("broken", ["nonsense\n", "[server]\nprt = 1\n", b"[server] # \xff\n"])
def test_a_broken_file_is_opened_and_mended(shell: Shell, tmp_path: Path, broken: str | bytes) -> None:
    config = shell.has_config()
    config.write_bytes(broken.encode() if isinstance(broken, str) else broken)
    shell.environ["EDITOR"] = editor(tmp_path, "printf '[server]\\nport = 9\\n' > \"$1\"")

    assert output(shell.run("config", "edit")) == (0, f"{config} is changed\n", NO_DAEMON)
    assert config.read_text() == "[server]\nport = 9\n"


def test_a_broken_file_that_is_left_as_it_was_is_still_said_to_be_broken(shell: Shell) -> None:
    config = shell.has_config("nonsense\n")
    shell.environ["EDITOR"] = "true"

    code, out, err = output(shell.run("config", "edit"))

    assert (code, out) == (4, "")
    assert "is not valid TOML" in err
    assert "hint: nothing was changed; `proxyctl config edit` opens it again\n" in err
    assert [path.name for path in config.parent.glob("config*")] == ["config.toml"]


def test_a_text_that_was_kept_is_never_written_over(shell: Shell, config: Path, tmp_path: Path) -> None:
    shell.environ["EDITOR"] = editor(tmp_path, "echo 'first nonsense' >> \"$1\"")
    shell.run("config", "edit")
    shell.environ["EDITOR"] = editor(tmp_path, "echo 'more nonsense' >> \"$1\"")

    code, _, err = output(shell.run("config", "edit"))

    first, second = config.with_name("config.draft.toml"), config.with_name("config.draft2.toml")
    assert code == 4
    assert err.startswith(f"A text that was not valid is kept in {first}.\n")
    assert first.read_text() == CONFIG + "first nonsense\n"
    assert second.read_text() == CONFIG + "more nonsense\n"
    assert config.read_text() == CONFIG


def test_what_was_written_before_the_editor_failed_is_kept(shell: Shell, config: Path, tmp_path: Path) -> None:
    shell.environ["EDITOR"] = editor(tmp_path, "echo '# mine' >> \"$1\"; exit 1")

    code, _, err = output(shell.run("config", "edit"))

    draft = config.with_name("config.draft.toml")
    assert code == 1
    assert err.endswith(f"ended with 1\nhint: your text is kept in {draft}; the config is as it was\n")
    assert draft.read_text() == CONFIG + "# mine\n"
    assert config.read_text() == CONFIG


def test_an_edit_that_changes_nothing(shell: Shell, config: Path) -> None:
    shell.environ["EDITOR"] = "true"

    assert output(shell.run("config", "edit")) == (0, "", "Nothing was changed.\n")
    assert config.read_text() == CONFIG


def test_a_config_that_changed_while_it_was_edited(shell: Shell, config: Path, tmp_path: Path) -> None:
    shell.environ["EDITOR"] = editor(tmp_path, f"echo '# a' >> \"$1\"; echo '# b' >> {config}")

    code, _, err = output(shell.run("config", "edit"))

    assert code == 1
    assert "error: the config has changed meanwhile\n" in err
    assert config.read_text() == CONFIG + "# b\n"


@pytest.mark.parametrize("command", ["false", "no-such-editor-here"])
def test_an_editor_that_fails(shell: Shell, config: Path, command: str) -> None:
    shell.environ["EDITOR"] = command

    assert shell.run("config", "edit").exit_code == 1
    assert config.read_text() == CONFIG
    assert list(config.parent.glob("*draft*")) == []
