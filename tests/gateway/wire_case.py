"""Read the conformance cases under tests/wire/cases and run one: ask the gateway over a socket, look at both sides.

The format is described in tests/wire/README.md. Nothing here encodes or decodes a dialect with our own code: what comes
back is read as JSON and frames, and by the callers' SDKs.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec
from msgspec import Struct

from proxyctl.core.chat import DialectName
from proxyctl.core.exchange import ExchangeRecord
from tests.dialects.judges import seen_stream, seen_whole
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import BOUND
from tests.gateway.wire_match import Bound, differences, filled
from tests.gateway.wire_upstream import PICTURE, Answer, WireUpstream

WIRE = Path(__file__).parent.parent / "wire"
CASES = WIRE / "cases"
KEY = "key-of-the-wire-cases"
ENVIRON = {"WIRE_KEY": KEY, "CLIENT_KEY": "key-of-the-client"}

Caller = Literal["chat", "messages", "responses", "gemini"]
CALLERS: Mapping[Caller, DialectName] = {
    "chat": "openai-chat",
    "messages": "anthropic-messages",
    "responses": "openai-responses",
    "gemini": "gemini-generate",
}
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
_BASES = {
    "gemini": "",
    "anthropic": "",
    "groq": "/openai/v1",
    "together": "/v1",
    "cohere": "",
    "mistral": "/v1",
    "openai": "/v1",
    "local": "/v1",
    "backup": "/v1",
    "vendor": "",
}
"""The providers of every run, all at the fake upstream, told apart by the path behind their name."""
_KINDS = {"vendor": "anthropic"}
"""Of the providers that are not called like their kind; others are OpenAI-compatible servers."""
_DEFAULT_ANSWERS = {
    "gemini": "gemini_generate/text",
    "anthropic": "anthropic_messages/text-cached",
    "cohere": "cohere_chat/text",
    "groq": "openai_chat/openai-text-usage",
    "together": "openai_chat/together-eos",
    "mistral": "openai_chat/openai-text-usage",
    "openai": "openai_responses/text",
    "local": "openai_chat/openai-text-usage",
    "vendor": "anthropic_messages/text-cached",
}
"""What is answered where a case is about the request alone."""


class Given(Struct, forbid_unknown_fields=True, rename={"json_": "json"}):
    """An upstream's answer: a file or JSON, and how it comes.

    `cut`: a new piece begins one byte into each of these texts; `packed`: with gzip.
    """

    file: str = ""
    json_: Any = None
    status: int = 200
    headers: Mapping[str, str] = {}
    cut: Literal["everywhere"] | tuple[str, ...] = ()
    packed: bool = False


class Sent(Struct, forbid_unknown_fields=True):
    """What must have reached the upstream: patterns, and texts that stand nowhere in the body."""

    path: str | None = None
    headers: Any = None
    body: Any = None
    never: tuple[str, ...] = ()


class Told(Struct, forbid_unknown_fields=True):
    """What must have come back. `losses` are the paths of the record's ledger, all of them."""

    status: int = 200
    headers: Any = None
    body: Any = None
    events: Any = None
    seen: Any = None
    ends: str | None = None
    never: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    record: Any = None


class Turn(Struct, forbid_unknown_fields=True):
    """One request of the client. `upstream` and `answer` are lists where there is not exactly one attempt."""

    request: Any = None
    path: str | None = None
    headers: Mapping[str, str] = {}
    upstream: Sent | list[Sent] = msgspec.field(default_factory=Sent)
    answer: str | Given | list[str | Given] | None = None
    told: Told = msgspec.field(default_factory=Told)


class Run(Struct, forbid_unknown_fields=True):
    """Turns of one client against one gateway. `config` are TOML lines for a section, by its name."""

    name: str
    caller: Caller
    to: str
    turns: list[Turn]
    stream: bool | Literal["both"] = False
    config: Mapping[str, str] = {}


class Case(Struct, forbid_unknown_fields=True):
    """`trap` is where the case was seen to go wrong; `note` says where we decided otherwise than the wire notes."""

    title: str
    runs: list[Run]
    trap: str = ""
    note: str = ""


def folders() -> list[Path]:
    return sorted(path for path in CASES.iterdir() if path.is_dir())


def read(folder: Path) -> Case:
    return msgspec.json.decode((folder / "case.json").read_bytes(), type=Case)


def runs() -> Iterator[tuple[str, Path, Run, bool]]:
    """Every run of every case under its name, those of `both` kinds twice."""
    for folder in folders():
        for run in read(folder).runs:
            for stream in (False, True) if run.stream == "both" else (run.stream,):
                kind = f"-{'streamed' if stream else 'whole'}" if run.stream == "both" else ""
                yield f"{folder.name}/{run.name}{kind}", folder, run, stream


def config(upstream: WireUpstream, more: Mapping[str, str]) -> str:
    """All providers at one upstream. `more` holds lines for a provider's section, or for any other."""
    sections = {"routing": 'primary = "gemini"\nmax_attempts = 1', **dict.fromkeys(_BASES, ""), **more}
    text = []
    for name, lines in sections.items():
        if name not in _BASES:
            text.append(f"[{name}]\n{lines}")
            continue
        kind = f'kind = "{_KINDS[name]}"\n' if name in _KINDS else ""
        address = f"{upstream.root}/{name}{_BASES[name]}"
        text.append(f'[providers.{name}]\n{kind}mode = "pooled"\nbase_url = "{address}"\nkey = "$WIRE_KEY"\n{lines}')
    return "\n".join(text) + "\n"


async def play(gateway: Gateway, upstream: WireUpstream, folder: Path, run: Run, *, stream: bool) -> None:
    """Ask turn after turn, and judge each."""
    bound: Bound = {"$=picture": f"{upstream.root}/{PICTURE}"}
    recorded = 0
    for number, turn in enumerate(run.turns, 1):
        given = turn.answer if isinstance(turn.answer, list) else [turn.answer]
        expected = turn.upstream if isinstance(turn.upstream, list) else [turn.upstream]
        default = _DEFAULT_ANSWERS.get(run.to.partition(":")[0], "")
        upstream.answers = [answer_of(folder, one or default, stream=stream) for one in given]
        upstream.asked.clear()

        async with asyncio.timeout(BOUND):
            answer = await ask(gateway, run, turn, bound, stream=stream)
            recorded += _is_recorded(turn, answer)
            record = (await gateway.records(recorded))[0] if _is_recorded(turn, answer) else None

        at = f"turn {number}: " if len(run.turns) > 1 else ""
        wrong = [*_judge_upstream(expected, upstream, bound), *_judge(run, turn, answer, bound, stream=stream)]
        if record is not None:
            wrong += _judge_record(turn.told, record, bound)
        assert not wrong, f"{at}{answer.status_code} {answer.text[:3000]}\n" + "\n".join(wrong)


async def ask(gateway: Gateway, run: Run, turn: Turn, bound: Bound, *, stream: bool) -> httpx.Response:
    path, model = turn.path or "", run.to
    body = filled(turn.request, bound)
    if body is None:
        return await gateway.http.get(path, headers=turn.headers)
    if run.caller == "gemini":
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return await gateway.http.post(path or f"/v1beta/models/{model}:{verb}", json=body, headers=turn.headers)
    body = {"model": model, **body}
    if stream:
        body = {**body, "stream": True}
        if run.caller == "chat" and turn.told.seen is not None:
            body = {"stream_options": {"include_usage": True}, **body}
    return await gateway.http.post(path or PATHS[run.caller], json=body, headers=turn.headers)


def answer_of(folder: Path, given: str | Given, *, stream: bool) -> Answer:
    one = Given(file=given) if isinstance(given, str) else given
    if one.file:
        path = _file(folder, one.file, stream=stream)
        body, events = path.read_bytes(), path.suffix == ".sse"
    else:
        body, events = json.dumps(one.json_).encode(), False
    kind = {"content-type": "text/event-stream" if events else "application/json"}
    if one.packed:
        body, kind["content-encoding"] = gzip.compress(body), "gzip"
    return Answer(_pieces(body, one.cut), one.status, {**kind, **one.headers})


def _pieces(body: bytes, cut: Literal["everywhere"] | tuple[str, ...]) -> list[bytes]:
    """Cut between all bytes, or one byte into each of these texts: inside a character where it has several."""
    if cut == "everywhere":
        return [bytes([byte]) for byte in body]
    ends = [*sorted(body.index(text.encode()) + 1 for text in cut), len(body)]
    return [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _file(folder: Path, name: str, *, stream: bool) -> Path:
    """A file of the case, or the stream or whole answer of a fixture."""
    if (folder / name).is_file():
        return folder / name
    if (WIRE / name).is_file():
        return WIRE / name
    parent = folder / name if (folder / name).is_dir() else WIRE / name
    return parent / ("stream.sse" if stream else "answer.json")


def _judge_upstream(expected: list[Sent], upstream: WireUpstream, bound: Bound) -> list[str]:
    wrong = []
    if len(upstream.asked) != len(expected) or upstream.answers:
        wrong.append(f"the upstream was asked {len(upstream.asked)} times, expected {len(expected)}")
    for one, asked in zip(expected, upstream.asked, strict=False):
        if one.path is not None and one.path != asked.target:
            wrong.append(f"the upstream's path: expected {one.path}, got {asked.target}")
        if one.headers is not None:
            wrong += differences(one.headers, dict(asked.headers), bound, "the upstream's headers")
        if one.body is not None:
            wrong += differences(one.body, json.loads(asked.body), bound, "upstream")
        wrong += [f"upstream: {text!r} stands in its body" for text in one.never if text.encode() in asked.body]
        if wrong:
            wrong.append(f"the upstream got {asked.body.decode()[:3000]}")
    return wrong


def _is_recorded(turn: Turn, answer: httpx.Response) -> bool:
    """Counting is no exchange, nor is what is refused at the door."""
    path = turn.path or ""
    return turn.request is not None and answer.status_code != 401 and "count" not in path


def _judge(run: Run, turn: Turn, answer: httpx.Response, bound: Bound, *, stream: bool) -> list[str]:
    told, streamed = turn.told, answer.headers.get("content-type", "").startswith("text/event-stream")
    wrong = differences(told.status, answer.status_code, bound, "status")
    if answer.status_code == 200 and streamed != stream:
        wrong.append(f"the answer is {'a stream' if streamed else 'whole'}")
    if told.headers is not None:
        wrong += differences(told.headers, dict(answer.headers), bound, "headers")
    if told.body is not None and not streamed:
        wrong += differences(told.body, answer.json(), bound, "body")
    if told.events is not None and streamed:
        seen = frames(answer.text, named=run.caller in ("messages", "responses"))
        wrong += differences(told.events, seen, bound, "events")
    if told.ends is not None and streamed and not answer.text.endswith(told.ends):
        wrong.append(f"the stream does not end with {told.ends!r}")
    wrong += [f"the answer holds {text!r}" for text in told.never if text in answer.text]
    if told.seen is not None and not wrong:
        judge = seen_stream if streamed else seen_whole
        wrong += differences(told.seen, _plain(judge(CALLERS[run.caller], answer.content)), bound, "seen")
    return wrong


def _judge_record(told: Told, record: ExchangeRecord, bound: Bound) -> list[str]:
    lost = sorted(loss.path for loss in record.losses)
    return [
        *differences(sorted(told.losses), lost, bound, "losses"),
        *differences(told.record or {}, _plain(record), bound, "record"),
    ]


def _plain(value: Struct) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def frames(text: str, *, named: bool) -> list[Any]:
    """The data of each frame of a stream, decoded; where events have names, each is checked to be its type."""
    found: list[Any] = []
    for frame in text.replace("\r\n", "\n").split("\n\n"):
        lines = [line for line in frame.split("\n") if line and not line.startswith(":")]
        if not lines:
            continue
        data = "\n".join(line.removeprefix("data:").removeprefix(" ") for line in lines if line.startswith("data:"))
        found.append(data if data == "[DONE]" else json.loads(data))
        names = [line.removeprefix("event: ") for line in lines if line.startswith("event:")]
        assert names == ([found[-1]["type"]] if named else []), frame
    return found
