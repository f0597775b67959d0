from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from proxyctl.core.errors import DecodeError
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import decode_fields
from proxyctl.dialects.gemini_generate.embedding import decode_requests, encode_answer, for_model, usage_of


def fields(**written: object) -> dict[str, Raw]:
    return decode_fields(msgspec.json.encode(written))


def content(text: str, **more: object) -> dict[str, object]:
    return {"content": {"parts": [{"text": text}]}, **more}


def test_neighbours_that_agree_are_one_request() -> None:
    written = fields(requests=[content("a"), content("b"), content("c", taskType="CLUSTERING"), content("d")])

    runs = decode_requests(written, batch=True)

    assert [run.inputs for run in runs] == [("a", "b"), ("c",), ("d",)]
    assert [run.task for run in runs] == [None, "CLUSTERING", None]


@pytest.mark.parametrize(
    "written",
    [
        content("a", taskType="CLUSTERING", title="T", outputDimensionality=8),
        content("a", task_type="CLUSTERING", title="T", output_dimensionality="8"),
        content("a", embedContentConfig={"taskType": "CLUSTERING", "title": "T", "outputDimensionality": 8}),
        content("a", embed_content_config={"task_type": "CLUSTERING", "title": "T", "output_dimensionality": 8}),
        content("a", title="T", taskType="CLUSTERING", embedContentConfig={"title": "U", "outputDimensionality": 8}),
    ],
)
def test_settings_in_any_spelling_and_place(written: dict[str, object]) -> None:
    [request] = decode_requests(fields(**written), batch=False)

    assert (request.task, request.title, request.dimensions, request.uncarried) == ("CLUSTERING", "T", 8, ())


@pytest.mark.parametrize("written", [content("a"), content("a", model="models/m")])
def test_a_body_that_agrees_with_its_address_is_not_touched(written: dict[str, object]) -> None:
    body = msgspec.json.format(msgspec.json.encode(written), indent=3)

    assert for_model(body, decode_fields(body), "m", batch=False) is body


def test_a_batch_that_agrees_is_not_touched() -> None:
    body = msgspec.json.format(msgspec.json.encode({"requests": [content("a", model="models/m")] * 2}), indent=3)

    assert for_model(body, decode_fields(body), "m", batch=True) is body


@pytest.mark.parametrize("model", ["gemini:m", "models/gemini:m", 7])
def test_what_names_another_is_called_as_the_provider_calls_it(model: object) -> None:
    single = msgspec.json.encode(content("a", model=model, more=1))
    batch = msgspec.json.encode({"requests": [content("a", model=model), content("b")]})

    changed = for_model(single, decode_fields(single), "m", batch=False)
    changed_batch = for_model(batch, decode_fields(batch), "m", batch=True)

    assert msgspec.json.decode(changed) == content("a", model="models/m", more=1)
    expected = [content("a", model="models/m"), content("b", model="models/m")]
    assert msgspec.json.decode(changed_batch) == {"requests": expected}


@pytest.mark.parametrize("body", [b"{}", b'{"requests":7}', b'{"requests":[7]}'])
def test_what_is_malformed_is_left_to_the_provider(body: bytes) -> None:
    assert for_model(body, decode_fields(body), "m", batch=True) is body


def test_an_answer_says_what_was_read() -> None:
    batch = encode_answer([[0.5], [1.0]], Usage(input=2, cache_read=1), batch=True)
    single = encode_answer([[0.5]], Usage(input=2), batch=False)

    assert msgspec.json.decode(batch)["embeddings"] == [{"values": [0.5]}, {"values": [1.0]}]
    assert (usage_of(batch, batch=True), usage_of(single, batch=False)) == (Usage(input=3), Usage(input=2))


@pytest.mark.parametrize("body", [b"{}", b'{"embedding":7}', b'{"embedding":null}', b"[]", b"{"])
def test_an_answer_without_vectors_is_none(body: bytes) -> None:
    with pytest.raises(DecodeError):
        usage_of(body, batch=False)
