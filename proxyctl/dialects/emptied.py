"""When nothing of a conversation can be said: the system text may stand for it, if nobody wrote anything else.

A model that is sent no question answers all the same, and is paid for it. So what translation has emptied is refused,
in the same words for every target.
"""

from __future__ import annotations

from proxyctl.core.chat import ChatRequest, Part, RefusalPart, TextPart
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses


def only_system(request: ChatRequest) -> None:
    """Call it when no message is left. Raises `UnsupportedError` unless there was none, and there is a system text."""
    wrote = any(not _is_blank(part) for message in request.messages for part in message.parts)
    if wrote or not any(part.text.strip() for part in request.system):
        raise UnsupportedError("there is nothing to answer: every message is empty", param="messages")


def system_as_user(request: ChatRequest, losses: Losses) -> None:
    """The same where a conversation needs a user: the system text, which the encoder moves, becomes the user's."""
    only_system(request)
    losses.add("messages", "there is no user message: the system text was sent as one")


def _is_blank(part: Part) -> bool:
    return isinstance(part, (TextPart, RefusalPart)) and not part.text.strip()
