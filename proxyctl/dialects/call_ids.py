"""Ids for the tool calls of one answer: each distinct, and the same again when the same answer is read again.

Older models and some servers give no id, or the same one twice. A made id is a hash of what the provider did say, so
that nobody has to remember it; a function's name alone is never an id, because two calls of one function are two calls.
"""

from __future__ import annotations

from proxyctl.dialects.names import made_up_id


class CallIds:
    """The ids given out for one answer. `answer_id` is the provider's own id of it, empty when it has none."""

    def __init__(self, answer_id: str = "") -> None:
        self._answer_id = answer_id
        self._taken: set[str] = set()

    def take(self, given: str | None, name: str, arguments: str = "") -> str:
        """Return `given`, or a made id when it is empty or taken already."""
        call_id = given or ""
        if not call_id or call_id in self._taken:
            call_id = made_up_id(self._answer_id, len(self._taken), name, arguments)
        self._taken.add(call_id)
        return call_id
