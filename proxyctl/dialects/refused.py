"""Read from a refusal what of the request its provider does not take: fields by name, or the proof of earlier thinking.

Servers of every dialect are built on each other's parts, so one reader knows the words of all: OpenAI's codes with
`param`, pydantic's "Extra inputs are not permitted" (Anthropic, Mistral), Google's "Unknown name", "property … is
unsupported" (Groq), "unknown field" (Cohere). It says what was refused; what may be left out is not its to say. Source:
wire notes 2026-11, "errors", and the providers' references.
"""

from __future__ import annotations

import re

from proxyctl.core.errors import Problem

_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
_NOT_TAKEN = re.compile(
    r"([\w.\[\]-]+): Extra inputs are not permitted"
    r"|(?:Unknown parameter|Unsupported parameter): ['\"`]([^'\"`]+)"
    r"|Unrecognized request argument supplied: ([\w.]+)"
    r"|property ['\"]([^'\"]+)['\"] is unsupported"
    r"|unknown field: parameter ['\"]([^'\"]+)['\"]"
)
_UNKNOWN_NAME = re.compile(r"Unknown name \"([^\"]+)\"(?: at '([^']+)')?")
_PROOF = re.compile(
    r"thought.?signature|`?signature`? in `?thinking|in `?redacted_thinking|thinking`? blocks? .*cannot be modified"
    r"|encrypted content .{0,80}could not be",
    re.IGNORECASE,
)


def refused_fields(problem: Problem) -> frozenset[str]:
    """The paths of the fields that a request was refused for, as the refusal names them; empty when for none.

    A path without a dot or bracket names a member of the body's top level.
    """
    if problem.kind != "bad_request":
        return frozenset()
    said = problem.message
    found = {next(filter(None, match.groups())) for match in _NOT_TAKEN.finditer(said)}
    found.update(f"{place}.{name}" if place else name for name, place in _UNKNOWN_NAME.findall(said))
    if problem.code in _CODES and problem.param:
        found.add(problem.param)
    return frozenset(found)


def refuses_thinking(problem: Problem) -> bool:
    """Whether a request was refused for what proves its earlier thinking: damaged, missing, or another model's."""
    if problem.kind != "bad_request":
        return False
    return problem.code == "invalid_encrypted_content" or _PROOF.search(problem.message) is not None
