"""Which rule decides, and whom it lets in: the rules of docs/routing.md as transcripts."""

from __future__ import annotations

import pytest

from proxyctl.config.model import AliasSettings
from proxyctl.core.errors import BadRequestError, NotFoundError, UnavailableError
from proxyctl.routing.needs import ModelFacts

MANY = {"gemini": "pooled", "anthropic": "fallback", "groq": "pooled", "together": "off", "mistral": "fallback"}
OLLAMA = {"local": {"mistral:7b": ModelFacts()}}


# The prefix.


@pytest.mark.parametrize(
    ("modes", "model", "expected"),
    [
        ({"gemini": "pooled", "groq": "fallback"}, "groq:llama-3.3-70b-versatile", "groq:llama-3.3-70b-versatile"),
        ({"gemini": "pooled", "groq": "fallback"}, "groq/llama-3.3-70b-versatile", "groq:llama-3.3-70b-versatile"),
        ({"gemini": "exclusive", "groq": "pooled"}, "groq:any-name", "groq:any-name"),
        ({"gemini": "pooled", "groq": "pooled"}, "groq:openai/gpt-oss-120b", "groq:openai/gpt-oss-120b"),
        (
            {"gemini": "pooled", "groq": {"mode": "pooled", "models": {"quick": "llama-x"}}},
            "groq:quick",
            "groq:llama-x",
        ),
    ],
)
def test_a_prefix_names_one_provider_whatever_the_modes(world, modes, model, expected):
    made = world(**modes).plan(model)

    assert (made.rule, [f"{step.provider}:{step.model}" for step in made.steps]) == ("prefix", [expected])


def test_the_others_are_left_out_because_of_the_prefix(world):
    reasons = world(**MANY).left_out("groq:llama-3.3-70b-versatile")

    assert reasons["gemini"] == "the prefix names groq alone"
    assert reasons["together"].startswith("off;")


def test_text_before_a_colon_is_no_prefix_when_a_model_bears_the_whole_name(world):
    """Ollama's names hold colons: `mistral:7b` is a model there, and Mistral is a provider too."""
    here = world(
        mistral="pooled", local="pooled", lists={"local": {"mistral:7b": ModelFacts()}}, routing={"primary": "mistral"}
    )

    assert here.targets("mistral:7b") == ["local:mistral:7b"]
    assert here.targets("mistral:8b") == ["mistral:8b"]


def test_a_models_map_may_bear_a_name_with_a_colon(world):
    here = world(gemini="pooled", groq="pooled", local={"mode": "pooled", "models": {"groq:mine": "tiny"}})

    assert here.targets("groq:mine") == ["local:tiny"]


def test_the_lists_of_providers_that_are_off_do_not_hide_a_prefix(world):
    here = world(
        mistral="pooled", local="off", lists={"local": {"mistral:7b": ModelFacts()}}, routing={"primary": "mistral"}
    )

    assert here.targets("mistral:7b") == ["mistral:7b"]


def test_a_slash_is_a_prefix_only_when_no_model_and_no_alias_bears_the_name(world):
    here = world(
        gemini="pooled",
        openai="pooled",
        groq="fallback",
        lists={"groq": {"openai/gpt-oss-120b": ModelFacts()}},
        aliases={"openai/best": ("gemini:gemini-4-argon",)},
    )

    assert here.targets("openai/gpt-oss-120b", substitute=False) == ["groq:openai/gpt-oss-120b"]
    assert here.targets("openai/best") == ["gemini:gemini-4-argon"]
    assert here.targets("openai/gpt-6-sol") == ["openai:gpt-6-sol"]


def test_a_prefix_to_a_provider_that_is_off_names_the_command(world):
    with pytest.raises(BadRequestError) as caught:
        world(gemini="pooled", groq="off").plan("groq:llama-3.3-70b-versatile")

    assert caught.value.own_code == "provider_off"
    assert "`proxyctl providers set groq fallback`" in caught.value.hint


def test_a_prefix_to_an_inactive_provider_names_the_variable(world):
    inactive = {"mode": "fallback", "inactive": "GROQ_API_KEY is not set", "credentials": ()}

    with pytest.raises(BadRequestError, match="GROQ_API_KEY is not set") as caught:
        world(gemini="pooled", groq=inactive).plan("groq:llama-3.3-70b-versatile")

    assert caught.value.own_code == "provider_inactive"


@pytest.mark.parametrize("model", ["groq:", "groq: ", "groq/"])
def test_a_prefix_without_a_model_is_refused(world, model):
    with pytest.raises(BadRequestError, match="not followed by a model"):
        world(gemini="pooled", groq="pooled").plan(model)


def test_a_prefix_falls_back_only_when_the_header_or_the_config_allows_it(world):
    modes = {"gemini": "pooled", "groq": "fallback", "together": "fallback"}
    asked = "groq:openai/gpt-oss-120b"

    assert world(**modes).targets(asked) == [asked]
    allowed = ["groq:openai/gpt-oss-120b", "together:openai/gpt-oss-120b", "gemini:gemini-3.8-flash"]
    assert world(**modes).targets(asked, allow_prefix_fallback=True) == allowed
    assert world(**modes, routing={"prefix_fallback": True}).targets(asked) == allowed


def test_a_prefix_that_may_fall_back_respects_an_exclusive_provider(world):
    modes = {"gemini": "pooled", "groq": "fallback", "together": "exclusive"}

    got = world(**modes).targets("groq:openai/gpt-oss-120b", allow_prefix_fallback=True)

    assert got == ["groq:openai/gpt-oss-120b", "together:openai/gpt-oss-120b"]


def test_a_prefix_to_the_exclusive_provider_has_nobody_to_fall_back_to(world):
    modes = {"gemini": "pooled", "groq": "exclusive"}

    assert world(**modes).targets("groq:x", allow_prefix_fallback=True) == ["groq:x"]


# The alias.


def test_an_alias_keeps_the_order_of_its_list(world):
    here = world(**MANY, aliases={"fast": ("mistral:mistral-small", "groq:llama-3.3-70b-versatile", "gemini:g")})

    made = here.plan("fast")

    assert made.rule == "alias"
    assert here.targets("fast") == ["mistral:mistral-small", "groq:llama-3.3-70b-versatile", "gemini:g"]
    assert made.steps[1].reason == "target 2 of the alias 'fast'"


def test_an_alias_leaves_out_targets_that_are_off_or_inactive(world):
    here = world(
        gemini={"mode": "pooled", "inactive": "GEMINI_API_KEY is not set"},
        groq="off",
        together="fallback",
        aliases={"fast": ("gemini:a", "groq:b", "together:c")},
    )

    assert here.targets("fast") == ["together:c"]
    assert here.left_out("fast")["groq"].startswith("off;")


def test_an_alias_may_name_one_provider_twice_but_a_target_only_once(world):
    here = world(gemini="pooled", aliases={"fast": ("gemini:a", "gemini:b", "gemini:a")})

    assert [step.model for step in here.plan("fast").steps] == ["a", "b"]


def test_an_exact_alias_beats_a_glob_and_the_first_glob_beats_the_next(world):
    here = world(
        gemini="pooled",
        groq="pooled",
        aliases={"claude-*": ("gemini:{model}",), "claude-opus-*": ("groq:never",), "claude-x": ("groq:exact",)},
    )

    assert here.targets("claude-x") == ["groq:exact"]
    assert here.targets("claude-opus-5-5") == ["gemini:claude-opus-5-5"]


def test_an_alias_goes_before_an_exclusive_provider(world):
    here = world(gemini="pooled", groq="exclusive", aliases={"fast": ("gemini:g",)})

    assert here.targets("fast") == ["gemini:g"]


def test_an_alias_whose_targets_are_all_off_is_not_found(world):
    here = world(gemini="pooled", groq="off", aliases={"fast": ("groq:x",)})

    with pytest.raises(NotFoundError, match="alias") as caught:
        here.plan("fast")

    assert "groq: off" in caught.value.hint


# The exclusive provider.


@pytest.mark.parametrize(
    ("groq", "model", "expected"),
    [
        ({"mode": "exclusive"}, "llama-3.3-70b-versatile", ["groq:llama-3.3-70b-versatile"]),
        ({"mode": "exclusive", "models": {"gpt-6-sol": "mapped"}}, "gpt-6-sol", ["groq:mapped"]),
        ({"mode": "exclusive"}, "claude-sonnet-5-5", ["groq:llama-3.3-70b-versatile"]),
        ({"mode": "exclusive"}, "gemini-3.8-flash", ["groq:llama-3.3-70b-versatile"]),
    ],
)
def test_an_exclusive_provider_is_alone(world, groq, model, expected):
    here = world(gemini="pooled", anthropic="fallback", groq=groq)

    assert here.targets(model) == expected
    assert here.plan(model).rule == "exclusive"
    assert here.left_out(model)["gemini"] == "shadowed by groq, which is exclusive"


def test_a_model_that_the_exclusive_provider_cannot_serve_is_not_found(world):
    with pytest.raises(NotFoundError, match="'groq' is exclusive") as caught:
        world(gemini="pooled", groq="exclusive").plan("nonsense-9000")

    assert "`proxyctl providers set groq pooled`" in caught.value.hint


def test_an_exclusive_provider_does_not_stand_in_when_substitutes_are_refused(world):
    with pytest.raises(NotFoundError):
        world(gemini="pooled", groq="exclusive").plan("claude-opus-5-5", substitute=False)


def test_exclusive_escape_lets_the_others_follow(world):
    here = world(gemini="pooled", groq="exclusive", together="fallback", routing={"exclusive_escape": True})

    got = here.targets("openai/gpt-oss-120b")

    assert got == ["groq:openai/gpt-oss-120b", "together:openai/gpt-oss-120b", "gemini:gemini-3.8-flash"]


def test_an_exclusive_provider_without_a_key_still_keeps_the_others_out(world):
    """The user said that nobody else is asked: a missing key does not change that."""
    groq = {"mode": "exclusive", "inactive": "GROQ_API_KEY is not set", "credentials": ()}

    with pytest.raises(UnavailableError, match="GROQ_API_KEY is not set"):
        world(gemini="pooled", groq=groq).plan("gemini-3.8-flash")
    escaping = world(gemini="pooled", groq=groq, routing={"exclusive_escape": True})
    assert escaping.targets("gemini-3.8-flash") == ["gemini:gemini-3.8-flash"]


# Pooled, then fallback, natively.


def test_pooled_goes_before_fallback_and_fallback_by_priority_then_file_order(world):
    here = world(
        gemini="pooled",
        zeta={"mode": "fallback", "models": {"m": "z"}},
        beta={"mode": "fallback", "models": {"m": "b"}},
        alpha={"mode": "fallback", "models": {"m": "a"}, "priority": 10},
        groq={"mode": "pooled", "models": {"m": "g"}},
    )

    made = here.plan("m")

    assert [step.model for step in made.steps] == ["g", "a", "z", "b"]
    assert made.rule == "pooled"


def test_fallback_serves_what_no_pooled_provider_has(world):
    made = world(gemini="pooled", together="fallback").plan("moonshotai/Kimi-K3", substitute=False)

    assert (made.rule, made.steps[0].provider, made.steps[0].mode) == ("fallback", "together", "fallback")


@pytest.mark.parametrize(
    ("model", "evidence"),
    [
        ("mapped", "its models map has the name"),
        ("mistral-large-4", "it lists the model"),
        ("mistral-huge-9", "the name is of its family"),
        ("mixtral-old", "the price catalogue has the model for it"),
    ],
)
def test_the_reason_tells_why_a_provider_is_held_to_serve_a_model(world, model, evidence):
    here = world(mistral={"mode": "pooled", "models": {"mapped": "x"}}, routing={"primary": "mistral"})
    here.catalogue.set_priced("mistral", ["mixtral-old"])

    assert here.first(model).reason == f"pooled, weight 1; {evidence}"


def test_a_price_alone_does_not_give_one_familys_model_to_a_reseller(world):
    """Price catalogues list Claude under Google as well; the Gemini API has no Claude."""
    here = world(gemini="pooled", anthropic="fallback")
    here.catalogue.set_priced("gemini", ["claude-opus-5-5"])

    assert here.targets("claude-opus-5-5") == ["anthropic:claude-opus-5-5", "gemini:gemini-4-argon"]


# Substitutes.


def test_the_primary_takes_foreign_families_first(world):
    here = world(mistral="pooled", groq="pooled", gemini="pooled", anthropic="off")

    for _ in range(4):
        made = here.plan("claude-opus-5-5")
        assert made.rule == "substitute"
        assert (made.steps[0].provider, made.steps[0].model) == ("gemini", "gemini-4-argon")
        assert all(step.substitute for step in made.steps)


def test_stand_ins_follow_those_who_serve_the_model(world):
    here = world(gemini="pooled", groq="fallback", mistral="off")

    made = here.plan("gemini-3.8-flash")

    assert [(step.provider, step.model, step.substitute) for step in made.steps] == [
        ("gemini", "gemini-3.8-flash", False),
        ("groq", "llama-3.3-70b-versatile", True),
    ]
    assert made.rule == "pooled"


def test_a_fallback_primary_stays_behind_pooled_stand_ins(world):
    here = world(gemini="fallback", anthropic={"mode": "fallback", "priority": 1}, groq="pooled")

    assert [one.partition(":")[0] for one in here.targets("gpt-6-sol")] == ["groq", "gemini", "anthropic"]


def test_the_config_names_stand_ins_and_tiers(world):
    here = world(
        gemini="pooled",
        groq="fallback",
        tiers={"large": {"groq": "own-large"}, "small": {"gemini": "own-small"}},
    )

    assert here.targets("claude-opus-5-5") == ["gemini:gemini-4-argon", "groq:own-large"]
    assert here.snapshot.tier_of("own-small") == "small"


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        ({"routing": {"substitute": False}}, {}),
        ({"gemini": {"mode": "pooled", "substitute": False}}, {}),
        ({}, {"substitute": False}),
    ],
)
def test_substitutes_can_be_refused_by_everyone(world, settings, given):
    here = world(**{"gemini": "pooled", **settings})

    with pytest.raises(NotFoundError) as caught:
        here.plan("claude-opus-5-5", **given)

    assert caught.value.own_code == "model_not_found"
    assert "substitutes" in caught.value.hint


def test_a_provider_may_stand_in_although_the_global_setting_says_no(world):
    here = world(gemini={"mode": "pooled", "substitute": True}, groq="pooled", routing={"substitute": False})

    assert here.targets("claude-opus-5-5") == ["gemini:gemini-4-argon"]


def test_a_provider_without_a_model_of_the_tier_says_so(world):
    reasons = world(gemini="pooled", mistral="pooled").left_out("claude-haiku-5-5")

    assert reasons["mistral"] == "does not serve the model, and has no small model to stand in"


# Nothing.


def test_an_unknown_name_is_never_substituted_and_gets_suggestions(world):
    here = world(gemini="pooled", groq="pooled", mistral="off", aliases={"llama-mine": ("groq:x",)})

    made = here.explain("lama-3.3-70b-versatile")

    assert (made.rule, made.steps) == ("none", ())
    assert made.suggestions[0] == ("groq:llama-3.3-70b-versatile", "list")
    assert made.refusal is not None
    assert made.advice == (made.refusal.hint.partition("; ")[0],)
    assert "did you mean `groq:llama-3.3-70b-versatile`" in made.refusal.hint
    assert "gemini: does not serve the model, and no tier is known for the name" in made.refusal.hint


def test_a_model_of_a_provider_that_is_off_names_the_command(world):
    with pytest.raises(NotFoundError) as caught:
        world(gemini="pooled", mistral="off").plan("codestral-2508", substitute=False)

    assert "mistral: would serve the model, but is off; `proxyctl providers set mistral fallback`" in caught.value.hint


def test_a_misspelt_prefix_is_told(world):
    with pytest.raises(NotFoundError) as caught:
        world(gemini="pooled", groq="pooled").plan("grok:llama-3.3-70b-versatile")

    assert "did you mean `groq:llama-3.3-70b-versatile`" in caught.value.hint
    assert "no provider is named 'grok'" in caught.value.hint


def test_without_any_provider_the_model_is_not_found(world):
    with pytest.raises(NotFoundError):
        world().plan("gemini-3.8-flash")


def test_a_name_as_long_as_a_book_is_not_repeated_whole(world):
    with pytest.raises(NotFoundError) as caught:
        world(gemini="pooled").plan("x" * 100_000)

    assert len(caught.value.message) < 300


def test_a_suggestion_says_where_its_name_is_known_from(world):
    here = world(
        gemini={"mode": "pooled", "models": {"sonar-map": "gemini-3.8-flash"}},
        groq="pooled",
        mistral="pooled",
        aliases={"sonar-alias": ("groq:x",)},
        lists={"groq": {"sonar-list": ModelFacts()}},
    )
    here.catalogue.forget("mistral")
    here.catalogue.set_priced("mistral", ["sonar-price"])
    here.catalogue.set_priced("groq", ["sonar-list", "sonar-old"])

    found = {
        one.name: one.source
        for name in ("sonar-mab", "sonar-prise", "sonar-lizt", "sonar-odd")
        for one in here.explain(name).suggestions
    }

    assert found == {
        "gemini:sonar-map": "map",
        "sonar-alias": "alias",
        "groq:sonar-list": "list",
        "mistral:sonar-price": "prices",
        "groq:sonar-old": "prices",
    }
    advice = here.explain("sonar-prise").advice
    assert "`mistral:sonar-price` (known by its price, not listed)" in advice[0]


@pytest.mark.parametrize(
    ("groq", "model", "advice"),
    [
        ("off", "groq:x", "`proxyctl providers set groq fallback` enables it"),
        ({"mode": "exclusive", "inactive": "set GROQ_API_KEY"}, "x", "or `proxyctl providers set groq pooled`"),
        ("exclusive", "nonsense-9000", "`proxyctl providers set groq pooled` lets the others serve"),
    ],
)
def test_advice_leaves_out_what_is_said_of_each_provider(world, groq, model, advice):
    made = world(gemini="pooled", groq=groq).explain(model)

    assert made.advice[-1].endswith(advice)
    assert all(f"{skip.provider}: {skip.reason}" not in piece for skip in made.skipped for piece in made.advice)
    assert all(piece in made.refusal.hint for piece in made.advice)


# Strict aliases.


@pytest.mark.parametrize("model", ["whole", "whole-of-it"])
def test_a_plan_names_the_alias_that_wants_all_or_nothing(world, model):
    strict = {name: AliasSettings(targets=("gemini:g",), strict=True) for name in ("whole", "whole-*")}
    here = world(gemini="pooled", aliases={**strict, "loose": ("gemini:g",)})

    assert here.plan(model).strict_alias == ("whole" if model == "whole" else "whole-*")
    assert here.plan(model).strict_alias == here.explain(model).strict_alias, "remembered as made"
    assert (here.plan("loose").strict_alias, here.plan("gemini:g").strict_alias) == ("", "")


def test_a_strict_alias_nobody_can_serve_says_so_too(world):
    here = world(gemini="pooled", groq="off", aliases={"whole": AliasSettings(targets=("groq:x",), strict=True)})

    assert here.explain("whole").strict_alias == "whole"
