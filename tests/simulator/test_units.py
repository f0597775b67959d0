"""The simulator's small pure parts: token counts, samples for schemas, answers, violations, the grammar."""

from typing import Any

import msgspec
import pytest

from proxyctl.simulator import models
from proxyctl.simulator.faults import Fault, FaultBook
from proxyctl.simulator.gemini_grammar import GrammarError, camel, normalise
from proxyctl.simulator.ledger import Ledger
from proxyctl.simulator.provider import base64_size, bearer, data_url_size, text_in
from proxyctl.simulator.samples import sample, topic
from proxyctl.simulator.script import Image, Manner, Question, Tool, ToolResult, compose
from proxyctl.simulator.tokens import PrefixMemory, Tally, count_tokens
from proxyctl.simulator.violations import explain


def ask(**more: Any) -> Question:
    return Question(**{"model": "m", "user_text": "Hello there", "prompt": "Hello there", "seed": "0" * 40, **more})


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcdefg", 1), ("abcdefgh", 2)])
def test_tokens_are_a_quarter_of_the_characters(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_prefix_memory_knows_whole_blocks_only() -> None:
    memory = PrefixMemory()
    block = "a" * 4096

    assert memory.cached_tokens("m", block + "one") == 0
    assert memory.cached_tokens("m", block + "two") == 1024
    assert memory.cached_tokens("m", block + "b" * 4096) == 1024
    assert memory.cached_tokens("m", block + "b" * 4096 + "c" * 4096) == 2048
    assert memory.cached_tokens("other", block) == 0
    assert memory.cached_tokens("m", "b" * 4096) == 0
    memory.clear()
    assert memory.cached_tokens("m", block) == 0


def test_prefix_memory_is_bounded() -> None:
    memory = PrefixMemory()
    for number in range(4200):
        memory.cached_tokens("m", f"{number:05d}" + "a" * 4091)

    assert memory.cached_tokens("m", "00000" + "a" * 4091) == 0
    assert memory.cached_tokens("m", "04199" + "a" * 4091) == 1024


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "Rome"),
        ({"type": "STRING", "enum": ["x", "y"]}, "x"),
        ({"const": 5}, 5),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 7}, 7),
        ({"type": "integer", "exclusiveMinimum": 7}, 8),
        ({"type": "number", "maximum": 0.5}, 0.5),
        ({"type": "integer", "multipleOf": 5}, 5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "string", "format": "date"}, "2026-11-24"),
        ({"type": "string", "minLength": 6}, "Romexx"),
        ({"type": "string", "maxLength": 2}, "Ro"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "object"}, {}),
        ({"properties": {"a": {}}, "required": ["a"]}, {"a": "Rome"}),
        ({"type": "object", "properties": {"a": {"type": "boolean"}, "b": {}}, "required": ["a"]}, {"a": True}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"allOf": [{"type": "object"}, {"properties": {"a": {"type": "null"}}, "required": ["a"]}]}, {"a": None}),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "integer"}}}, 1),
        ({"$ref": "https://elsewhere"}, "Rome"),
    ],
)
def test_samples_satisfy_simple_schemas(schema: dict[str, Any], value: Any) -> None:
    assert sample(schema, "Weather in Rome") == value


def test_sample_of_a_schema_that_holds_itself_ends() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}

    assert isinstance(sample(node), dict)


@pytest.mark.parametrize(
    ("text", "word"), [("Weather in Rome?", "Rome"), ("hello", ""), ("Hello", ""), ("From Bern to Élan", "Élan")]
)
def test_topic(text: str, word: str) -> None:
    assert topic(text) == word


def test_the_answer_follows_from_the_question() -> None:
    first, second = compose("p", ask(), Manner()), compose("p", ask(), Manner())

    assert first == second
    assert first.text == "This is p with m, simulated. You wrote: Hello there"
    assert len(first.pieces) > 3
    assert first.tally == Tally(prompt=2, cached=0, output=len(first.text) // 4, thinking=0)


@pytest.mark.parametrize(
    ("more", "finish", "text"),
    [
        ({"stop": ("simulated",)}, "stop_sequence", "This is p with m, "),
        ({"stop": ("never",)}, "stop", None),
        ({"stop": ("You", "with")}, "stop_sequence", "This is p "),
        ({"max_tokens": 2}, "length", "This is "),
        ({"max_tokens": 2, "thinks": True}, "length", ""),
        ({"max_tokens": 0}, "length", ""),
        ({"max_tokens": 1000}, "stop", None),
    ],
)
def test_stops_and_limits(more: dict[str, Any], finish: str, text: str | None) -> None:
    script = compose("p", ask(**more), Manner())

    assert script.finish == finish
    if text is not None:
        assert script.text == text
    if finish == "length":
        assert script.tally.output <= more["max_tokens"]


def test_thinking_counts_as_output() -> None:
    script = compose("p", ask(thinks=True), Manner())

    assert script.tally.thinking == len(script.thinking) // 4
    assert script.tally.output == script.tally.thinking + len(script.text) // 4


@pytest.mark.parametrize(
    ("more", "called"),
    [
        ({}, ["a"]),
        ({"user_text": "do it in Parallel"}, ["a", "b"]),
        ({"user_text": "in parallel", "parallel": False}, ["a"]),
        ({"choice": "none"}, []),
        ({"choice": "tool:b"}, ["b"]),
        ({"choice": "tool:missing"}, ["a"]),
        ({"results": (ToolResult("a", "12C"),)}, []),
    ],
)
def test_which_tools_are_called(more: dict[str, Any], called: list[str]) -> None:
    script = compose("p", ask(tools=(Tool("a", {}), Tool("b", {})), **more), Manner())

    assert [call.name for call in script.calls] == called
    assert (script.finish == "tool") is bool(called)


def test_results_and_images_are_mentioned() -> None:
    images = (Image("image/png", 70), Image("address", None))

    told = compose("p", ask(results=(ToolResult("get", "12C"),), images=images), Manner())

    assert "get: 12C" in told.text
    assert "(image/png) of 70 bytes" in told.text
    assert told.tally.prompt == 2 + 2 * 258


@pytest.mark.parametrize(
    ("manner", "finish", "reason"),
    [(Manner(blocked=True), "blocked", None), (Manner(reason="OTHER"), "stop", "OTHER")],
)
def test_empty_answers(manner: Manner, finish: str, reason: str | None) -> None:
    script = compose("p", ask(tools=(Tool("a", {}),), thinks=True), manner)

    assert (script.text, script.calls, script.thinking) == ("", (), "")
    assert (script.finish, script.reason, script.tally.output) == (finish, reason, 0)


def test_bulk_is_one_piece() -> None:
    script = compose("p", ask(max_tokens=5), Manner(bulk=1000))

    assert max(map(len, script.pieces)) == 1001
    assert script.text == "".join(script.pieces)


@pytest.mark.parametrize("text", ["  leading", "trailing  ", "a\n\nb ", "\t", " "])
def test_no_character_is_lost_between_pieces(text: str) -> None:
    wanted = {"type": "object", "properties": {"a": {"const": text}}, "required": ["a"]}
    script = compose("p", ask(schema=wanted), Manner())

    assert msgspec.json.decode(script.text) == {"a": text}


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    number: int


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    entries: list[Inner]


@pytest.mark.parametrize(
    ("text", "kind", "location"),
    [
        (b'{"entries":[{"number":1,"x":2}]}', "unknown", ("entries", 0, "x")),
        (b'{"entries":[{}]}', "missing", ("entries", 0, "number")),
        (b"{}", "missing", ("entries",)),
        (b'{"entries":[{"number":"1"}]}', "type", ("entries", 0, "number")),
        (b"[]", "type", ()),
    ],
)
def test_violations_are_taken_apart(text: bytes, kind: str, location: tuple[Any, ...]) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(text, type=Outer)

    violation = explain(caught.value)

    assert (violation.kind, violation.location) == (kind, location)
    assert violation.dotted == ".".join(map(str, location))


def test_grammar_reads_snake_case_nulls_and_single_objects() -> None:
    value = {
        "contents": {"parts": {"inline_data": {"mime_type": "image/png", "data": "aGk"}}},
        "system_instruction": None,
    }

    read = normalise("Request", value)

    assert read == {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk"}}]}]}


def test_grammar_leaves_free_values_alone() -> None:
    part = {"functionCall": {"name": "f", "args": {"snake_case": {"x_y": 1}}}}

    assert normalise("Request", {"contents": [{"parts": [part]}]})["contents"][0]["parts"] == [part]


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"contents": 5},
        {"generationConfig": {"maxOutputTokens": 1.5}},
        {"generationConfig": {"maxOutputTokens": True}},
        {"generationConfig": {"stopSequences": [5]}},
        {"systemInstruction": {}, "system_instruction": {}},
        {"contents": [{"parts": [{"inlineData": {"data": "a"}}]}]},
        {"tools": [{"functionDeclarations": [{"parameters": {"properties": []}}]}]},
    ],
)
def test_grammar_refuses(value: Any) -> None:
    with pytest.raises(GrammarError):
        normalise("Request", value)


@pytest.mark.parametrize(("name", "wanted"), [("a_b_c", "aBC"), ("topP", "topP"), ("$ref", "$ref")])
def test_camel(name: str, wanted: str) -> None:
    assert camel(name) == wanted


def test_fault_book_counts_down_in_order() -> None:
    book = FaultBook()
    book.plan(Fault(kind="reset", times=2), Fault(kind="html", times=None))

    kinds = [fault.kind for _ in range(4) if (fault := book.take("p", None, "answer"))]

    assert kinds == ["reset", "reset", "html", "html"]
    assert book
    book.clear()
    assert book.take("p", None, "answer") is None
    assert not book


def test_ledger_is_bounded_but_its_sums_are_not() -> None:
    ledger = Ledger(capacity=2)
    for _ in range(3):
        entry = ledger.open("p", "POST", "/", {}, b"")
        entry.model = "m"
        ledger.report_usage(entry, Tally(1, 2, 3, 4))
    ledger.report_usage(ledger.open("p", "GET", "/", {}, b""), None)

    assert [entry.number for entry in ledger.entries] == [3, 4]
    total = ledger.totals["p"]["m"]
    assert (total.requests, total.prompt, total.cached, total.output, total.thinking) == (3, 3, 6, 9, 12)


def test_ledger_forgets_bodies_that_are_too_many_bytes() -> None:
    ledger = Ledger(most_bytes=100)
    for size in (60, 30, 30, 500):
        ledger.open("p", "POST", "/", {}, b"x" * size)

    assert [len(entry.body) for entry in ledger.entries] == [500]
    ledger.open("p", "POST", "/", {}, b"y")
    assert [len(entry.body) for entry in ledger.entries] == [1]
    ledger.clear()
    assert (ledger.received, len(ledger.entries)) == (0, 0)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"authorization": "Bearer k"}, "k"),
        ({"authorization": "bearer k"}, "k"),
        ({"authorization": "Basic k"}, ""),
        ({}, ""),
    ],
)
def test_bearer(headers: dict[str, str], token: str) -> None:
    assert bearer(headers) == token


def test_sizes_and_texts() -> None:
    assert base64_size("aGk=") == base64_size("aGk") == 2
    assert data_url_size("data:image/png;base64,aGk=") == ("image/png", 2)
    assert data_url_size("https://x") == ("address", None)
    assert text_in({"a": ["b", 1, None, {"c": "d"}]}) == "ab1cd"


def test_every_model_is_found_by_id_and_alias() -> None:
    for family in (models.GEMINI, models.ANTHROPIC, models.GROQ, models.TOGETHER, models.COHERE, models.MISTRAL):
        ids = [model.id for model in family]
        assert len(ids) == len(set(ids))
        for model in family:
            assert all(models.find(family, name) is model for name in (model.id, *model.aliases))
    assert models.find(models.GROQ, "nope") is None
