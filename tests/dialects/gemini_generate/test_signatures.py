"""What stands in `thoughtSignature`, and what may never reach Google."""

from __future__ import annotations

import base64

import pytest

from proxyctl.core.chat import DialectName, Signature
from proxyctl.dialects.envelope import seal
from proxyctl.dialects.gemini_generate.signatures import (
    _COMMON,
    FOREIGN_MARKS,
    UNPROVEN,
    holds_foreign,
    read_redaction,
    read_signature,
    written_redaction,
    written_signature,
)


@pytest.mark.parametrize("value", ["AQ==", "a-_b", "EjQKMgE+/w==", "Zw=="])
def test_geminis_own_proof_is_never_touched(value: str) -> None:
    signature = read_signature(value)

    assert signature == Signature(value, "gemini-generate")
    assert written_signature(signature) == value


@pytest.mark.parametrize("origin", ["anthropic-messages", "openai-responses"])
@pytest.mark.parametrize("value", ["", "x", "ErUBCkYIBhgCKkC/+z==", "ü"])
def test_anothers_proof_comes_back_as_it_was(origin: DialectName, value: str) -> None:
    signature = Signature(value, origin)

    written = written_signature(signature)

    assert read_signature(written) == signature
    base64.b64decode(written, validate=True)
    assert holds_foreign(b'{"thoughtSignature": "' + written.encode() + b'"}')


def test_one_search_finds_both_marks() -> None:
    assert all(mark.startswith(_COMMON) for mark in FOREIGN_MARKS)
    assert not holds_foreign(b'{"text":"Z3dzMS","thoughtSignature":"AQ=="}')


def test_encrypted_thinking_comes_back_as_it_was() -> None:
    written = written_redaction("EmwKAhgB==")

    part = read_redaction(written)

    assert part is not None
    assert part.redacted == "EmwKAhgB=="
    assert read_signature(written) is None
    assert holds_foreign(b'{"thoughtSignature": "' + written.encode() + b'"}')


@pytest.mark.parametrize("value", [None, "", "skip_thought_signature_validator", UNPROVEN])
def test_no_proof_is_none(value: str | None) -> None:
    """Agents write Google's stand-in themselves (client notes 2026-11)."""
    assert read_signature(value) is None
    assert read_redaction(value) is None


@pytest.mark.parametrize("damaged", ["Z3dzMS4", "Z3dzMS!!", base64.b64encode(seal(None)[:-2].encode()).decode() + "A"])
def test_a_damaged_envelope_is_no_envelope_of_anybody(damaged: str) -> None:
    signature = read_signature(damaged)

    assert signature is None or signature.origin == "gemini-generate"
