"""Web pages that the configuration lists: a browser lets them ask, and read what comes back. Nobody else."""

from __future__ import annotations

import pytest

from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import ASKED, CHAT, KEYED, STREAMED, Upstream, chunk, streamed

PAGE = "http://localhost:3000"
ASKING = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
}


@pytest.fixture
async def shared(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    more = f'[server]\nallowed_origins = ["{PAGE}"]\nkeys = ["$HOSTILE_KEY"]\n'
    return await start_gateway(upstream.config() + more, KEYED)


async def test_a_preflight_is_answered_without_a_key(shared: Gateway, upstream: Upstream) -> None:
    """Browsers never send credentials with one."""
    answer = await shared.http.options(CHAT, headers=ASKING)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type"
    assert upstream.bodies == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_kept_response_may_be_read_and_forgotten_by_a_page(shared: Gateway, method: str) -> None:
    """A preflight is told every method that some path takes."""
    headers = {"origin": PAGE, "authorization": f"Bearer {KEYED['HOSTILE_KEY']}"}
    path = "/v1/responses/resp_none"

    asked = await shared.http.options(path, headers={**ASKING, "access-control-request-method": method})
    answer = await shared.http.request(method, path, headers=headers)

    assert method in asked.headers["access-control-allow-methods"].split(", ")
    assert answer.status_code == 404
    assert answer.headers["access-control-allow-origin"] == PAGE


async def test_a_listed_page_reads_answers_streams_and_errors(shared: Gateway, upstream: Upstream) -> None:
    headers = {"origin": PAGE, "authorization": f"Bearer {KEYED['HOSTILE_KEY']}"}

    whole = await shared.http.post(CHAT, content=ASKED, headers=headers)
    upstream.answer, upstream.keep = streamed(chunk("hi"), chunk(finish="stop"), b"[DONE]"), False
    stream = await shared.http.post(CHAT, content=STREAMED, headers=headers)
    listed = await shared.http.get("/v1/models", headers=headers)
    refused = await shared.http.post(CHAT, content=ASKED, headers={"origin": PAGE})

    assert [answer.status_code for answer in (whole, stream, listed, refused)] == [200, 200, 200, 401]
    for answer in (whole, stream, listed, refused):
        assert answer.headers.get_list("access-control-allow-origin") == [PAGE]
        assert answer.headers["vary"] == "origin"


async def test_other_pages_are_told_nothing(shared: Gateway) -> None:
    foreign = await shared.http.options(CHAT, headers={**ASKING, "origin": "https://evil.example"})
    own = await shared.http.get("/v1/models", headers={"origin": shared.url.rstrip("/")})
    nobody = await shared.http.get("/v1/models")

    assert foreign.status_code == 403
    for answer in (foreign, own, nobody):
        assert "access-control-allow-origin" not in answer.headers


async def test_a_bare_options_is_no_preflight(shared: Gateway) -> None:
    answer = await shared.http.options(CHAT, headers={"authorization": f"Bearer {KEYED['HOSTILE_KEY']}"})

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_the_management_api_is_shared_with_no_page(shared: Gateway) -> None:
    headers = {"origin": PAGE, "authorization": f"Bearer {KEYED['HOSTILE_KEY']}"}

    answer = await shared.http.get("/providers/status", headers=headers)

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
