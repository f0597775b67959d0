"""A secret shows itself to nobody, and redaction takes it out of whatever came back."""

import copy
import pickle
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.config.secret import MASK, Secret, redact

KEY = "sk-live/0123+456="


def test_no_rendering_shows_it() -> None:
    secret = Secret(KEY)

    shown = f"{secret} {secret!r} {[secret]} {(secret,)!r} {secret:>40} {str(secret).upper()}"

    assert KEY not in shown
    assert MASK in shown
    assert secret.reveal() == KEY


def test_it_is_written_nowhere() -> None:
    with pytest.raises(TypeError, match="not written down"):
        pickle.dumps(Secret(KEY))
    with pytest.raises(TypeError):
        vars(Secret(KEY))


def test_copies_are_itself() -> None:
    secret = Secret(KEY)

    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_equality_is_by_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("\ud800é") == Secret("\ud800é")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"bad key {KEY}.", f"bad key {MASK}."),
        (f"GET /v1?a=1&x={quote(KEY, safe='')}", f"GET /v1?a=1&x={MASK}"),
        ("GET /v1beta/models?key=AIza123&alt=sse", f"GET /v1beta/models?key={MASK}&alt=sse"),
        ("https://x/?a=b&api_key=abc#f", f"https://x/?a=b&api_key={MASK}#f"),
        ("?Access-Token=abc def", f"?Access-Token={MASK} def"),
        ("authorization: Bearer abcdefgh", f"authorization: Bearer {MASK}"),
        ("monkey=1 ?monkey=2", "monkey=1 ?monkey=2"),
        ("the bearer of news", "the bearer of news"),
        ("", ""),
    ],
)
def test_redact(text: str, clean: str) -> None:
    assert redact(text, [Secret(KEY)]) == clean


def test_key_that_begins_with_another_goes_whole() -> None:
    assert redact("abcdef abc", [Secret("abc"), Secret("abcdef")]) == f"{MASK} {MASK}"


def test_empty_secret_redacts_nothing() -> None:
    assert redact("text", [Secret("")]) == "text"


keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*"), min_size=4, max_size=20)


@given(st.lists(keys, min_size=1, max_size=4), st.lists(st.text(max_size=8), max_size=6), st.randoms())
def test_no_known_secret_survives(secrets: list[str], words: list[str], random: object) -> None:
    pieces = [*words, *secrets, *(quote(one, safe="") for one in secrets)]
    random.shuffle(pieces)  # type: ignore[attr-defined]

    clean = redact("".join(pieces), [Secret(one) for one in secrets])

    assert not any(one in clean for one in secrets if one not in f"Bearer {MASK}")


@given(st.text(max_size=60), st.lists(keys, max_size=3))
def test_redacting_twice_changes_nothing_more(text: str, secrets: list[str]) -> None:
    known = [Secret(one) for one in secrets]

    once = redact(text, known)

    assert redact(once, known) == once
