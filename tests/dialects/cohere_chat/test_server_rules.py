"""No conversation that a client can send makes Cohere refuse what we make of it.

The judge is the simulator's reading of Cohere's rules, which shares no code with the encoder.
"""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.cohere_chat import COHERE_CHAT
from proxyctl.providers.cohere import CohereProvider
from proxyctl.simulator.cohere import CohereRequest, complaints
from proxyctl.simulator.models import COHERE, Model
from tests.dialects.cohere_chat.conftest import judge
from tests.dialects.conversations import requests


@pytest.mark.parametrize("model", COHERE, ids=lambda model: model.id)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_every_history_is_made_acceptable(model: Model, data: st.DataObject) -> None:
    traits = CohereProvider(name="cohere").traits(model.id)
    request = data.draw(requests(model.id))

    body = encode_json(COHERE_CHAT.encode_request(request, traits, Losses()))

    judge(json.loads(body))
    assert list(complaints(msgspec.json.decode(body, type=CohereRequest))) == []
