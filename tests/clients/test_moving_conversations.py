"""One conversation, many providers: each gets its own proofs back byte for byte, and none gets another's.

The steps of one tool loop go to different providers, which is the hardest case: every step must be acceptable to the
next one. The callers are the official SDKs; the simulator says what arrived, and refuses what the providers refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import types
from openai.lib.streaming.chat import ChatCompletionStreamState

from .home import SECONDS, Home
from .simulated import Seen, Simulated
from .targets import SCHEMA, TOOL_NAME

GEMINI, CLAUDE = "gemini:gemini-3.8-flash", "anthropic:claude-sonnet-5-5"
STAND_IN = "skip_thought_signature_validator"
SEALED = ("gws1.", "Z3dzMS", "gwr1.", "Z3dyMS")
"""How our own wrapping begins, plain and as base64."""
GEMINIS = "c2ltLXRob3VnaHQ6"
CLAUDES = "EsSim"
ASKED = "Weather?"
ROOM = 4000


class Caller(Protocol):
    """A client with its history. `ask` appends the answer to it and returns the ids of its calls, in order."""

    def say(self, text: str) -> None: ...
    def ask(self, model: str) -> list[str]: ...
    def tell_results(self, calls: list[str]) -> None: ...


class ChatCaller:
    """`keeps`: it sends back all that it was told, else only what the dialect's documentation knows."""

    def __init__(self, client: openai.OpenAI, *, stream: bool, keeps: bool) -> None:
        self._create: Any = client.chat.completions.create
        self._stream = stream
        self._keeps = keeps
        self._history: list[Any] = []
        function = {"name": TOOL_NAME, "description": "d", "parameters": SCHEMA}
        self._tools = [{"type": "function", "function": function}]

    def say(self, text: str) -> None:
        self._history.append({"role": "user", "content": text})

    def ask(self, model: str) -> list[str]:
        asked = {"model": model, "messages": self._history, "tools": self._tools}
        if self._stream:
            state: Any = ChatCompletionStreamState()
            for chunk in self._create(stream=True, **asked):
                state.handle_chunk(chunk)
            turn = state.current_completion_snapshot.choices[0].message.model_dump(exclude_none=True)
        else:
            turn = self._create(**asked).choices[0].message.model_dump(exclude_none=True)
        calls = [self._call(call) for call in turn.get("tool_calls") or ()]
        if not self._keeps:
            turn = {"role": "assistant", "content": turn.get("content")}
        self._history.append({**turn, "tool_calls": calls} if calls else turn)
        return [call["id"] for call in calls]

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        function = {name: call["function"][name] for name in ("name", "arguments")}
        kept = {"id": call["id"], "type": "function", "function": function}
        return {**kept, "extra_content": call["extra_content"]} if self._keeps and "extra_content" in call else kept

    def tell_results(self, calls: list[str]) -> None:
        self._history += [{"role": "tool", "tool_call_id": call, "content": "12 degrees"} for call in calls]


class ResponsesCaller:
    def __init__(self, client: openai.OpenAI, *, stream: bool, keeps: bool) -> None:
        self._responses: Any = client.responses
        self._stream = stream
        self._keeps = keeps
        self._history: list[Any] = []
        self._tools = [
            {"type": "function", "name": TOOL_NAME, "description": "d", "parameters": SCHEMA, "strict": False}
        ]

    def say(self, text: str) -> None:
        self._history.append({"role": "user", "content": text})

    def ask(self, model: str) -> list[str]:
        asked = {"model": model, "input": self._history, "tools": self._tools, "store": False}
        if self._stream:
            with self._responses.stream(**asked) as stream:
                answer = stream.get_final_response()
        else:
            answer = self._responses.create(**asked)
        items = [item for item in answer.output if self._keeps or item.type != "reasoning"]
        for item in items:
            written = item.model_dump(exclude_none=True)
            written.pop("parsed_arguments", None)
            self._history.append(written)
        return [item.call_id for item in items if item.type == "function_call"]

    def tell_results(self, calls: list[str]) -> None:
        self._history += [{"type": "function_call_output", "call_id": call, "output": "12 degrees"} for call in calls]


class MessagesCaller:
    def __init__(self, client: anthropic.Anthropic, *, stream: bool) -> None:
        self._messages: Any = client.messages
        self._stream = stream
        self._history: list[Any] = []
        self._tools = [{"name": TOOL_NAME, "description": "d", "input_schema": SCHEMA}]

    def say(self, text: str) -> None:
        self._history.append({"role": "user", "content": text})

    def ask(self, model: str) -> list[str]:
        asked = {"model": model, "messages": self._history, "tools": self._tools, "max_tokens": ROOM}
        if self._stream:
            with self._messages.stream(**asked) as stream:
                answer = stream.get_final_message()
        else:
            answer = self._messages.create(**asked)
        self._history.append({"role": "assistant", "content": answer.content})
        return [block.id for block in answer.content if block.type == "tool_use"]

    def tell_results(self, calls: list[str]) -> None:
        results = [{"type": "tool_result", "tool_use_id": call, "content": "12 degrees"} for call in calls]
        self._history.append({"role": "user", "content": results})


class GeminiCaller:
    """Keeps a stream's parts in one content, as the provider demands."""

    def __init__(self, client: genai.Client, *, stream: bool) -> None:
        self._models = client.models
        self._stream = stream
        self._history: list[Any] = []
        declared: Any = types.FunctionDeclaration(name=TOOL_NAME, description="d", parameters_json_schema=SCHEMA)
        self._config = types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[declared])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )

    def say(self, text: str) -> None:
        self._history.append(types.Content(role="user", parts=[types.Part(text=text)]))

    def ask(self, model: str) -> list[str]:
        asked: Any = {"model": model, "contents": self._history, "config": self._config}
        answers = (
            list(self._models.generate_content_stream(**asked))
            if self._stream
            else [self._models.generate_content(**asked)]
        )
        contents = [answer.candidates[0].content for answer in answers if answer.candidates]
        parts = [part for content in contents if content is not None for part in content.parts or ()]
        self._history.append(types.Content(role="model", parts=parts))
        return [part.function_call.id or "" for part in parts if part.function_call]

    def tell_results(self, calls: list[str]) -> None:
        responses = [
            types.FunctionResponse(id=call, name=TOOL_NAME, response={"result": "12 degrees"}) for call in calls
        ]
        parts = [types.Part(function_response=response) for response in responses]
        self._history.append(types.Content(role="user", parts=parts))


Make = Callable[[bool], Caller]


@pytest.fixture(params=["chat", "bare-chat", "responses", "bare-responses", "messages", "gemini"])
def make(request: pytest.FixtureRequest, daemon: Home) -> Make:
    """Makes a caller, of a stream or not. The bare ones drop whatever they need not show to a person."""
    name: str = request.param
    keeps = not name.startswith("bare-")
    match name.removeprefix("bare-"):
        case "chat":
            client: Any = request.getfixturevalue("lax_openai")
            return lambda stream: ChatCaller(client, stream=stream, keeps=keeps)
        case "responses":
            client = request.getfixturevalue("lax_openai")
            return lambda stream: ResponsesCaller(client, stream=stream, keeps=keeps)
        case "messages":
            client = request.getfixturevalue("strict_anthropic")
            return lambda stream: MessagesCaller(client, stream=stream)
        case _:
            options = types.HttpOptions(base_url=daemon.url, client_args={"trust_env": False})
            google = genai.Client(api_key="the gateway asks for none", http_options=options)
            return lambda stream: GeminiCaller(google, stream=stream)


def days(*numbers: int) -> list[tuple[str, dict[str, Any]]]:
    """The calls of one answer, each with arguments of its own."""
    return [(TOOL_NAME, {"city": "Lisbon", "days": number}) for number in numbers]


def own_proof(simulated: Simulated, seen: Seen) -> str:
    """The signature that a provider gives with its answer to this request: it gives the same one each time."""
    headers = {name: value for name, value in seen.headers.items() if name not in ("host", "content-length")}
    base = simulated.urls[seen.provider].rstrip("/")
    answer = httpx.post(base + seen.path, content=seen.raw, headers=headers, trust_env=False, timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    [proof] = set(re.findall(r'"(?:thoughtSignature|signature)":"([^"]+)"', answer.text))
    return str(proof)


def signed_calls(seen: Seen) -> list[tuple[int, str | None]]:
    """What Gemini was sent: each call's days and its signature."""
    return [
        (part["functionCall"]["args"]["days"], part.get("thoughtSignature"))
        for content in seen.body["contents"]
        for part in content["parts"]
        if "functionCall" in part
    ]


def proven_turns(seen: Seen) -> list[tuple[list[str], list[int]]]:
    """What Claude was sent: the signatures at the beginning of each turn with calls, and the days of the calls."""
    turns = []
    for message in seen.body["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        calls = [block["input"]["days"] for block in blocks if block["type"] == "tool_use"]
        if message["role"] == "assistant" and calls:
            kinds = [block["type"] for block in blocks]
            thoughts = [block for block in blocks if block["type"] == "thinking"]
            assert kinds[: len(thoughts)] == ["thinking"] * len(thoughts)
            turns.append(([block["signature"] for block in thoughts], calls))
    return turns


def nothing_foreign(simulated: Simulated) -> None:
    foreign = {"gemini": (CLAUDES, *SEALED), "anthropic": (GEMINIS, STAND_IN, *SEALED)}
    for one in simulated.seen():
        assert one.status == 200, one.raw
        for mark in foreign.get(one.provider, (GEMINIS, CLAUDES, STAND_IN, *SEALED)):
            assert mark.encode() not in one.raw, (one.provider, mark, one.raw)


BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@BOTH_WAYS
def test_a_tool_loop_moves_from_gemini_to_claude_and_back(make: Make, simulated: Simulated, stream: bool) -> None:
    simulated.script(days(1, 2), days(3, 4), days(5), days(6))
    caller = make(stream)
    caller.say(ASKED)
    for model in (GEMINI, CLAUDE, GEMINI, CLAUDE):
        caller.tell_results(caller.ask(model))
    assert caller.ask(GEMINI) == []
    caller.say("And tomorrow?")
    assert caller.ask(CLAUDE) == []

    geminis, claudes = simulated.seen("gemini"), simulated.seen("anthropic")
    nothing_foreign(simulated)
    first, third = (own_proof(simulated, one) for one in geminis[:2])
    second, fourth = (own_proof(simulated, one) for one in claudes[:2])
    assert signed_calls(geminis[1]) == [(1, first), (2, None), (3, STAND_IN), (4, None)]
    assert signed_calls(geminis[2]) == [*signed_calls(geminis[1]), (5, third), (6, STAND_IN)]
    assert proven_turns(claudes[0]) == [([], [1, 2])]
    assert proven_turns(claudes[1]) == [([], [1, 2]), ([second], [3, 4]), ([], [5])]
    assert proven_turns(claudes[2]) == [*proven_turns(claudes[1]), ([fourth], [6])]


@BOTH_WAYS
@pytest.mark.parametrize("between", ["local:gpt-4.1", "groq:llama-3.3-70b-versatile"])
def test_a_tool_loop_moves_from_gemini_to_a_server_of_openais_dialect_and_back(
    make: Make, simulated: Simulated, stream: bool, between: str
) -> None:
    simulated.script(days(1, 2), days(3, 4), days(5))
    caller = make(stream)
    caller.say(ASKED)
    for model in (GEMINI, between, GEMINI):
        caller.tell_results(caller.ask(model))
    assert caller.ask(between) == []
    caller.say("And tomorrow?")
    assert caller.ask(GEMINI) == []

    geminis = simulated.seen("gemini")
    nothing_foreign(simulated)
    first, third = (own_proof(simulated, one) for one in geminis[:2])
    assert signed_calls(geminis[1]) == [(1, first), (2, None), (3, STAND_IN), (4, None)]
    assert signed_calls(geminis[2]) == [*signed_calls(geminis[1]), (5, third)]


def test_thinking_that_was_shown_comes_back_whole(lax_openai: openai.OpenAI, simulated: Simulated) -> None:
    """A chat client's copy of the thinking has no signature; what goes back has both, byte for byte."""
    thought = "The user wrote: Weather? I will answer as claude-haiku-4-5."
    model = "anthropic:claude-haiku-4-5"
    create: Any = lax_openai.chat.completions.create
    asked: Any = {"model": model, "reasoning_effort": "high", "max_tokens": 20_000}
    asked["tools"] = [{"type": "function", "function": {"name": TOOL_NAME, "parameters": SCHEMA}}]
    question = {"role": "user", "content": ASKED}
    turn = create(messages=[question], **asked).choices[0].message.model_dump(exclude_none=True)
    assert turn["reasoning_content"] == thought

    results = [{"role": "tool", "tool_call_id": call["id"], "content": "12"} for call in turn["tool_calls"]]
    create(messages=[question, turn, *results], **asked)

    first, second = simulated.seen("anthropic")
    thinking = second.body["messages"][1]["content"][0]
    assert thinking == {"type": "thinking", "thinking": thought, "signature": own_proof(simulated, first)}
