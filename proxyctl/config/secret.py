"""A key that does not show itself, and the means to take keys out of a text.

Whatever is printed, logged, put into an error or sent to the dashboard may have come from outside: `redact` it.
"""

import hmac
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Never, Self, TypeVar, final
from urllib.parse import quote

if TYPE_CHECKING:
    from typing_extensions import override
else:
    # `typing_extensions` takes 20 ms to import, which a command that only looks for a key need not pay.
    F = TypeVar("F")

    def override(method: F) -> F:
        return method


MASK = "***"

_QUERY = re.compile(
    r"(?i)([?&](?:key|api[_-]?key|access[_-]?token|token|signature|sig)=)[^&\s\"'<>#]+",
)
_BEARER = re.compile(r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{6,}")


@final
class Secret:
    """A text that `repr`, `str` and formatting do not show, and that cannot be pickled."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself, for the request that needs it. Never log what this returns."""
        return self.__text

    @override
    def __repr__(self) -> str:
        return f"Secret({MASK})"

    @override
    def __str__(self) -> str:
        return MASK

    @override
    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @override
    def __eq__(self, other: object) -> bool:
        """In constant time, as a gateway key is compared with what a stranger sent."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self.__text), _bytes(other.__text))

    @override
    def __hash__(self) -> int:
        return hash(self.__text)

    @override
    def __reduce__(self) -> Never:
        raise TypeError("a secret is not written down")


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` without the given secrets, also in URL form, without `?key=…` parameters and bearer tokens."""
    forms = {form for secret in secrets for form in _forms(secret.reveal()) if form}
    if forms:
        # Longest first: a key may begin with another one.
        known = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))
        text = known.sub(MASK, text)
    return _BEARER.sub(rf"\1{MASK}", _QUERY.sub(rf"\1{MASK}", text))


def _forms(text: str) -> tuple[str, ...]:
    return (text, quote(text, safe=""), quote(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
