"""Reading a config file: what a good one means, and that a bad one says everything that is wrong, with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.config.kinds import Kinds
from proxyctl.config.load import load, parse
from proxyctl.config.model import ChatFlags, Settings
from proxyctl.config.problems import ConfigError, ConfigProblem

Parsed = Callable[[str], Settings]
Problems = Callable[[str], tuple[ConfigProblem, ...]]

WHOLE = """\
[server]
host = "0.0.0.0"
port = 9000
keys = ["$PROXYCTL_KEY", "secret:gateway"]
allowed_hosts = ["gateway.lan", "[::1]"]
allowed_origins = ["http://localhost:3000"]
max_body_mib = 8
drain_seconds = 2.5
log_level = "debug"

[routing]
primary = "groq"
order = "weighted"
prefix_fallback = true
exclusive_escape = true
substitute = false
affinity_minutes = 0
max_attempts = 3
max_deployments = 2
deadline_seconds = 30

[providers.groq]
mode = "pooled"
keys = ["$GROQ_ONE", "$GROQ_TWO"]
models = { small = "llama-3.1-8b-instant" }
weight = 2
priority = -1
connect_timeout = 1
first_token_timeout = 2
thinking_first_token_timeout = 3
idle_timeout = 4
total_timeout = 5.5
substitute = false

[providers.gemini]
mode = "exclusive"
previous_mode = "pooled"

[providers.vllm]
mode = "fallback"
base_url = "http://127.0.0.1:8000/v1/"
keyless = true
headers = { x-team = "$TEAM", x-plain = "yes" }

[providers.vllm.chat]
max_tokens_field = "max_tokens"
stream_options = false
drop = ["logit_bias"]
rename = { max_completion_tokens = "max_tokens" }

[providers.work]
kind = "groq"
key = "secret:work"

[aliases]
fast = "groq:llama-3.1-8b-instant"
"claude-*" = ["vllm:{model}", "gemini:gemini-2.5-pro"]

[tiers.small]
groq = "llama-3.1-8b-instant"

[store]
records_kept = 50
"""


def test_whole_file(settings_of: Parsed) -> None:
    settings = settings_of(WHOLE)

    assert settings.server.host == "0.0.0.0"
    assert settings.server.keys == ("$PROXYCTL_KEY", "secret:gateway")
    assert settings.server.allowed_hosts == ("gateway.lan", "[::1]")
    assert settings.server.drain_seconds == 2.5
    assert settings.routing.primary == "groq"
    assert settings.routing.prefix_fallback
    assert not settings.routing.substitute
    assert list(settings.providers) == ["groq", "gemini", "vllm", "work"]
    groq = settings.providers["groq"]
    assert (groq.kind, groq.mode, groq.keys) == ("groq", "pooled", ("$GROQ_ONE", "$GROQ_TWO"))
    assert (groq.weight, groq.priority, groq.total_timeout, groq.substitute) == (2.0, -1, 5.5, False)
    assert settings.providers["gemini"].previous_mode == "pooled"
    vllm = settings.providers["vllm"]
    assert (vllm.kind, vllm.base_url, vllm.keyless) == ("openai-compatible", "http://127.0.0.1:8000/v1", True)
    assert vllm.headers == {"x-team": "$TEAM", "x-plain": "yes"}
    assert vllm.chat == ChatFlags("max_tokens", False, ("logit_bias",), {"max_completion_tokens": "max_tokens"})
    assert (settings.providers["work"].kind, settings.providers["work"].keys) == ("groq", ("secret:work",))
    assert settings.aliases["fast"].targets == ("groq:llama-3.1-8b-instant",)
    assert settings.aliases["claude-*"].targets == ("vllm:{model}", "gemini:gemini-2.5-pro")
    assert not settings.aliases["fast"].strict
    assert settings.tiers == {"small": {"groq": "llama-3.1-8b-instant"}}
    assert settings.store.records_kept == 50


def test_empty_file_is_all_defaults(settings_of: Parsed) -> None:
    settings = settings_of("")

    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8094)
    assert settings.routing.primary == "gemini"
    assert settings.providers == {}
    assert settings.store.records_kept == 1000


def test_only_the_primary_takes_part_by_default(settings_of: Parsed) -> None:
    """Nothing is enabled that the file does not say."""
    settings = settings_of("[providers.groq]\n[providers.gemini]\n")

    assert settings.providers["gemini"].mode == "pooled"
    assert settings.providers["groq"].mode == "off"


def test_chosen_primary_takes_part_by_default(settings_of: Parsed) -> None:
    settings = settings_of('[routing]\nprimary = "groq"\n[providers.groq]\n[providers.gemini]\n')

    assert settings.providers["groq"].mode == "pooled"
    assert settings.providers["gemini"].mode == "off"


def test_settings_cannot_be_changed(settings_of: Parsed) -> None:
    settings = settings_of(WHOLE)

    with pytest.raises(AttributeError):
        settings.server.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.providers["groq"] = settings.providers["vllm"]  # type: ignore[index]
    with pytest.raises(TypeError):
        settings.providers["vllm"].headers["x"] = "y"  # type: ignore[index]
    with pytest.raises(TypeError):
        settings.tiers["small"]["groq"] = "y"  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "line", "key_path", "message", "hint"),
    [
        ("[servr]", 1, "servr", "no such section", "did you mean `server`?"),
        ("\nstore = 3", 2, "store", "is a section", "write [store]"),
        ("[server]\nprot = 1", 2, "server.prot", "no such key", "did you mean `port`?"),
        ("[server]\nprimary = 'x'", 2, "server.primary", "no such key", "it belongs to [routing]"),
        ("[server]\nzzzzzzzz = 1", 2, "server.zzzzzzzz", "no such key", "the keys are allowed_hosts"),
        ("[server]\nport = '1'", 2, "server.port", "must be a whole number", ""),
        ("[server]\nport = 65536", 2, "server.port", "less than or equal to 65535", ""),
        ("[server]\nport = true", 2, "server.port", "must be a whole number", ""),
        ("[server]\nhost = 1", 2, "server.host", "must be a text in quotes", ""),
        ("[server]\nhost = ''", 2, "server.host", "must not be empty", ""),
        ("[server]\nhost = '0.0.0.0'", 2, "server.host", "without a gateway key", "add keys"),
        ("[server]\nhost = 'box.lan'", 2, "server.host", "without a gateway key", "add keys"),
        ("[server]\nhost = '::'\nkeys = []", 2, "server.host", "without a gateway key", "add keys"),
        ("[server]\nlog_level = 'inf'", 2, "server.log_level", "must be one of debug", "did you mean `info`?"),
        ("[server]\nkey = 'hunter2hunter2'", 2, "server.key", "a key itself", "proxyctl providers key"),
        ("[server]\nkeys = 'x'", 2, "server.keys", "must be a list", ""),
        ("[server]\nallowed_origins = ['*']", 2, "server.allowed_origins[0]", "every web page", "list the"),
        ("[server]\nallowed_origins = ['http://a/b']", 2, "server.allowed_origins[0]", "not an origin", ""),
        ("[server]\nallowed_hosts = ['http://a']", 2, "server.allowed_hosts[0]", "not a host name", ""),
        ("[server]\ndrain_seconds = -1", 2, "server.drain_seconds", "greater than or equal to 0", ""),
        ("[routing]\norder = 'cheapest'", 2, "routing.order", "must be weighted", ""),
        ("[routing]\nsubstitute = 'never'", 2, "routing.substitute", "must be true or false", ""),
        ("[routing]\nmax_attempts = 0", 2, "routing.max_attempts", "greater than or equal to 1", ""),
        ("[routing]\ndeadline_seconds = nan", 2, "routing.deadline_seconds", "finite", ""),
        ("[routing]\nprimary = 'grok'\n[providers.groq]", 2, "routing.primary", "not configured", "`groq`"),
        ("[providers.groq]", 1, "routing.primary", "'gemini' is not configured", 'primary = "groq"'),
        ("[store]\nrecords_kept = 0", 2, "store.records_kept", "greater than or equal to 1", ""),
        ("[aliases]\nx = 3", 2, "aliases.x", "must be a list", ""),
        ("[aliases]\nx = []", 2, "aliases.x", "at least one target", ""),
        ("[aliases]\n'' = ['gemini:x']\n[providers.gemini]", 2, 'aliases.""', "not empty", ""),
        ("[aliases]\nx = ['gemini']\n[providers.gemini]", 2, "aliases.x[0]", "provider:model", "gemini:{model}"),
        ("[aliases]\nx = 'gemnii:a'\n[providers.gemini]", 2, "aliases.x", "no provider", "`gemini`"),
        ("[aliases]\nx = [\n'gemini:a',\n'gemini:{m}']\n[providers.gemini]", 4, "aliases.x[1]", "braces", "{model}"),
        ("[aliases]\nx = [1]", 2, "aliases.x[0]", "must be a text in quotes", ""),
        ("[aliases.x]\nstrict = true", 1, "aliases.x.targets", "at least one target", "provider:model"),
        ("[aliases.x]\ntargets = []", 2, "aliases.x.targets", "at least one target", "provider:model"),
        ("[aliases.x]\ntargets = 3", 2, "aliases.x.targets", "must be a list", ""),
        (
            "[aliases.x]\ntargets = ['gemnii:a']\n[providers.gemini]",
            2,
            "aliases.x.targets[0]",
            "no provider",
            "`gemini`",
        ),
        ("[aliases.x]\ntargets = 'gemnii:a'\n[providers.gemini]", 2, "aliases.x.targets", "no provider", "`gemini`"),
        ("[aliases]\nx = {targets = [\n'gemini:a',\n1]}\n[providers.gemini]", 4, "aliases.x.targets[1]", "text", ""),
        (
            "[aliases.x]\ntargets = 'gemini:a'\nstrict = 1\n[providers.gemini]",
            3,
            "aliases.x.strict",
            "must be true or false",
            "",
        ),
        (
            "[aliases.x]\ntargets = 'gemini:a'\nstrikt = true\n[providers.gemini]",
            3,
            "aliases.x.strikt",
            "no such key",
            "`strict`",
        ),
        ("[server]\nstrict = true", 2, "server.strict", "no such key", "[aliases.NAME]"),
        ("[aliases]\n'gemini:x' = 'gemini:x'\n[providers.gemini]", 2, 'aliases."gemini:x"', "never used", "prefix"),
        ("[tiers.huge]\nx = 'y'", 1, "tiers.huge", "no such tier", "large, medium, small"),
        ("[tiers]\nlarge = 'y'", 2, "tiers.large", "is a table", "write [tiers.large]"),
        ("[tiers.large]\ngemnii = 'y'\n[providers.gemini]", 2, "tiers.large.gemnii", "no provider", "`gemini`"),
        ("[tiers.large]\ngemini = ''\n[providers.gemini]", 2, "tiers.large.gemini", "model's name", ""),
    ],
)
def test_problem(  # one row a mistake
    problems_of: Problems, text: str, line: int, key_path: str, message: str, hint: str
) -> None:
    (problem,) = problems_of(text)

    assert (problem.line, problem.key_path) == (line, key_path)
    assert message in problem.message
    assert hint in problem.hint
    assert bool(hint) <= bool(problem.hint)


@pytest.mark.parametrize(
    ("body", "key_path", "message", "hint"),
    [
        ("mode = 'fallbck'", "mode", "must be one of off", "did you mean `fallback`?"),
        ("mode = true", "mode", "must be one of off", ""),
        ("wieght = 1", "wieght", "no such key", "did you mean `weight`?"),
        ("weight = 0", "weight", "greater than 0", ""),
        ("weight = inf", "weight", "finite", ""),
        ("priority = 1.5", "priority", "must be a whole number", ""),
        ("idle_timeout = true", "idle_timeout", "must be a number", ""),
        ("idle_timeout = 0", "idle_timeout", "greater than 0", ""),
        ("name = 'x'", "name", "stands in the table's header", ""),
        ("kind = 'grok'", "kind", "no kind 'grok'", "did you mean `groq`?"),
        ("kind = 3", "kind", "must be a text", ""),
        ("base_url = 'ftp://x'", "base_url", "not an http", ""),
        ("base_url = 'http://[x'", "base_url", "not a valid URL", ""),
        ("base_url = 'http://x:port'", "base_url", "not a valid URL", ""),
        ("base_url = 'http://u:p@x/v1'", "base_url", "no user, query or fragment", ""),
        ("base_url = 'http://x/v1?key=abc'", "base_url", "no user, query or fragment", ""),
        ("key = 'GEMINI_API_KEY'", "key", "given by reference", "put a `$`"),
        ("key = 3", "key", "must be a text", ""),
        ("key = '$A'\nkeys = ['$B']", "key", "two ways to say one thing", ""),
        ("keys = ['$A', '$B-C']", "keys[1]", "a key itself", "$NAME"),
        ("keyless = true\nkey = '$A'", "keyless", "either keyless or has keys", ""),
        ("models = { a = 1 }", "models.a", "must be a text", ""),
        ("models = { a = ' b' }", "models.a", "model's name", ""),
        ("headers = { 'a b' = 'x' }", 'headers."a b"', "not a header's name", ""),
        ("headers = { a = 'x\u00e9' }", "headers.a", "ASCII", ""),
        ('headers = { a = "x\\r\\ny: z" }', "headers.a", "one line", ""),
        ("headers = { a = '$1' }", "headers.a", "names an environment variable", ""),
        ("headers = { X-Api-Key = 'hunter2' }", "headers.X-Api-Key", "holds a credential", "environment"),
        ("headers = { Authorization = 'Bearer hunter2' }", "headers.Authorization", "holds a credential", ""),
        ("headers = 'x'", "headers", "must be a table", ""),
        ("previous_mode = 'exclusive'", "previous_mode", "must be one of off, pooled, fallback", ""),
        ("chat = 3", "chat", "must be a table", ""),
        ("chat = { dorp = [] }", "chat.dorp", "no such key", "did you mean `drop`?"),
        ("chat = { max_tokens_field = 'max' }", "chat.max_tokens_field", "max_tokens or max_completion", ""),
        ("chat = { drop = [''] }", "chat.drop[0]", "must not be empty", ""),
    ],
)
def test_problem_of_a_provider(problems_of: Problems, body: str, key_path: str, message: str, hint: str) -> None:
    (problem,) = problems_of(f"# first\n[providers.gemini]\n{body}\n")

    assert (problem.line, problem.key_path) == (3, f"providers.gemini.{key_path}")
    assert message in problem.message
    assert hint in problem.hint
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("header", "message", "hint"),
    [
        ("[providers.Groq]\nbase_url = 'http://x'", "lower-case", "my-server"),
        ("[providers.'a.b']\nbase_url = 'http://x'", "lower-case", "my-server"),
        ("[providers.grok]", "needs a base_url", "did you mean `groq`?"),
        ("[providers.mine]\nkind = 'openai-compatible'", "needs a base_url", "add base_url"),
    ],
)
def test_problem_of_a_providers_name(problems_of: Problems, header: str, message: str, hint: str) -> None:
    (problem,) = problems_of(f"[providers.gemini]\n{header}")

    assert problem.line == 2
    assert message in problem.message
    assert hint in problem.hint


def test_provider_must_be_a_table(problems_of: Problems) -> None:
    (problem,) = problems_of("[providers]\ngemini = 'pooled'")

    assert (problem.line, problem.message) == (2, "is a table, not a value")
    assert problem.hint == "write [providers.gemini]"


def test_second_exclusive_is_named(problems_of: Problems) -> None:
    text = "[providers.gemini]\nmode = 'exclusive'\n[providers.groq]\nmode = 'exclusive'\n"

    (problem,) = problems_of(text)

    assert (problem.line, problem.key_path) == (4, "providers.groq.mode")
    assert "gemini is" in problem.message


def test_every_problem_at_once_in_line_order(problems_of: Problems) -> None:
    """Mistakes in one place hide none in another, of whatever sort they are."""
    text = """\
[tiers.lage]
[server]
host = "0.0.0.0"
port = "x"
[providers.gemini]
mode = "fallbck"
headers = { x-api-key = "abc" }
key = "$A"
keyless = true
weight = "heavy"
[providers.groq]
mode = "exclusive"
[providers.mistral]
mode = "exclusive"
wheight = 3
[aliases]
fast = ["grok:x"]
[extra]
"""
    problems = problems_of(text)

    assert [(problem.line, problem.key_path) for problem in problems] == [
        (1, "tiers.lage"),
        (3, "server.host"),
        (4, "server.port"),
        (6, "providers.gemini.mode"),
        (7, "providers.gemini.headers.x-api-key"),
        (9, "providers.gemini.keyless"),
        (10, "providers.gemini.weight"),
        (14, "providers.mistral.mode"),
        (15, "providers.mistral.wheight"),
        (17, "aliases.fast[0]"),
        (18, "extra"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("[server]\nport = = 1", 2, 8, "is not valid TOML: invalid value", ""),
        ("[providers.gemini]\nmode = pooled", 2, 8, "invalid value", "quotes"),
        ("[server]\n[server]", 2, 8, "cannot declare", "only once"),
        ("[server", 1, 8, "is not valid TOML", ""),
        ("[server]\nhost = '", 2, 9, "is not valid TOML", ""),
        ("a = 1\n\nb =", 3, 4, "is not valid TOML", ""),
    ],
)
def test_syntax_error(problems_of: Problems, text: str, line: int, column: int, message: str, hint: str) -> None:
    (problem,) = problems_of(text)

    assert (problem.line, problem.column) == (line, column)
    assert message in problem.message
    assert hint in problem.hint


def test_deep_nesting_is_a_problem_and_no_crash(problems_of: Problems) -> None:
    (problem,) = problems_of(f"a = {'[' * 100_000}")

    assert "TOML" in problem.message or "deeply" in problem.message


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"\xff", 1, 1), (b"# ok\n[server] # \xc3\xa9 \xe9\n", 2, 14), (b"# ok\r\na\xc3", 2, 2)],
)
def test_file_that_is_not_utf8(tmp_path: Path, kinds: Kinds, data: bytes, line: int, column: int) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(data)

    with pytest.raises(ConfigError) as caught:
        load(path, kinds)

    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.message) == (line, column, "is not UTF-8 text")


def test_byte_order_mark_and_windows_lines(tmp_path: Path, kinds: Kinds) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[server]\r\nport = 1\r\n")

    assert load(path, kinds).server.port == 1


def test_missing_file(tmp_path: Path, kinds: Kinds) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.toml", kinds)

    (problem,) = caught.value.problems
    assert (problem.line, problem.message) == (0, "there is no such file")
    assert "proxyctl start" in problem.hint


def test_folder_in_place_of_the_file(tmp_path: Path, kinds: Kinds) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, kinds)


def test_error_as_text(kinds: Kinds) -> None:
    with pytest.raises(ConfigError) as caught:
        parse("[server]\nprot = 1\n", kinds, path=Path("/etc/c.toml"))

    expected = "/etc/c.toml: line 2: server.prot: there is no such key (did you mean `port`?)"
    assert str(caught.value) == expected


@pytest.mark.parametrize("key", ["key = {0}", "keys = [{0}]", "headers = {{ x-api-key = {0} }}"])
def test_pasted_key_is_in_no_error(kinds: Kinds, key: str) -> None:
    """Errors end up in logs: neither the words nor the chain of exceptions may hold what was pasted."""
    text = f"[providers.gemini]\n{key.format(repr('sk-live-0123456789'))}\n"

    with pytest.raises(ConfigError) as caught:
        parse(text, kinds, path=Path("c.toml"))

    error: BaseException | None = caught.value
    while error is not None:
        assert "sk-live" not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


def test_without_kinds_the_first_words_still_hold() -> None:
    settings = parse("[providers.x]\nbase_url = 'http://x'\n[routing]\nprimary = 'x'", {}, path=Path("c.toml"))

    assert settings.providers["x"].kind == "openai-compatible"


SECTIONS = st.sampled_from(["server", "routing", "providers", "providers.gemini", "aliases", "tiers.large", "store"])
KEYS = st.sampled_from(["mode", "key", "keys", "host", "port", "models", "headers", "chat", "gemini", "x", "kind"])
VALUES = st.sampled_from(
    [
        "1",
        "-1",
        "1.5",
        "nan",
        "true",
        "'x'",
        "''",
        "'$A'",
        "[]",
        "['a:b', 1]",
        "{}",
        "{ a = {} }",
        "1979-05-27",
        "[[1]]",
    ]
)


@given(
    st.lists(st.tuples(SECTIONS, st.dictionaries(KEYS, VALUES, max_size=4)), max_size=5, unique_by=lambda one: one[0])
)
def test_any_valid_toml_is_settings_or_problems(kinds: Kinds, tables: list[tuple[str, dict[str, str]]]) -> None:
    """Whatever stands where: never another exception, and each problem has a line that exists."""
    text = "".join(f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in pairs.items()) for name, pairs in tables)

    problems = _problems(text, kinds)

    assert all(1 <= one.line <= max(text.count("\n"), 1) for one in problems)


@given(st.text(max_size=80))
def test_any_text_is_settings_or_problems(kinds: Kinds, text: str) -> None:
    problems = _problems(text, kinds)

    assert all(one.message and one.line <= text.count("\n") + 1 for one in problems)


def _problems(text: str, kinds: Kinds) -> tuple[ConfigProblem, ...]:
    """None for a valid text; an error without a problem would be a lie."""
    try:
        parse(text, kinds, path=Path("c.toml"))
    except ConfigError as error:
        return error.problems or (ConfigProblem(0, None, "", ""),)
    return ()
