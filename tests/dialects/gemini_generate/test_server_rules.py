"""No conversation that a client can send makes Gemini refuse what we make of it.

The judge is the simulator's reading of Google's rules, which shares no code with the encoder.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.providers.gemini import GeminiProvider
from proxyctl.simulator.gemini_grammar import normalise
from proxyctl.simulator.gemini_rules import complaints
from proxyctl.simulator.models import GEMINI, Model
from tests.dialects.conversations import requests
from tests.dialects.gemini_generate.conftest import judge

CHAT_MODELS = [model for model in GEMINI if "embedding" not in model.flags]


@pytest.mark.parametrize("model", CHAT_MODELS, ids=lambda model: model.id)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_every_history_is_made_acceptable(model: Model, data: st.DataObject) -> None:
    traits = GeminiProvider(name="gemini").traits(model.id)
    request = data.draw(requests(model.id))

    body = json.loads(encode_json(GEMINI_GENERATE.encode_request(request, traits, Losses())))

    judge(body)
    assert list(complaints(normalise("Request", body), model)) == []


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_the_same_request_is_the_same_bytes(data: st.DataObject) -> None:
    """Google caches by prefix."""
    request = data.draw(requests("gemini-3.8-flash"))
    traits = GeminiProvider(name="gemini").traits(request.model)

    one, other = (encode_json(GEMINI_GENERATE.encode_request(request, traits, Losses())) for _ in range(2))

    assert one == other
