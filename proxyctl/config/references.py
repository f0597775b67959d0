"""References to keys: how a file names a key without holding it.

`$NAME` is an environment variable (or a line of `.env`), `secret:NAME` an entry of the secrets file. Config checks the
form, `secrets` looks the key up; both read it here. Nothing in this module may put a refused text into an error: a text
that is no reference is most likely a key.
"""

import re

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_ENTRY = re.compile(r"secret:([a-z0-9][a-z0-9-]*)")
_BARE_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")


def variable_in(reference: str) -> str | None:
    """The variable that `$NAME` names, else `None`."""
    found = _VARIABLE.fullmatch(reference)
    return found[1] if found else None


def entry_in(reference: str) -> str | None:
    """The secrets file's entry that `secret:NAME` names, else `None`."""
    found = _ENTRY.fullmatch(reference)
    return found[1] if found else None


def is_reference(text: str) -> bool:
    return variable_in(text) is not None or entry_in(text) is not None


def looks_like_variable(text: str) -> bool:
    """Whether somebody forgot the `$`: only names such as `SOME_API_KEY`, which no key looks like."""
    return _BARE_VARIABLE.fullmatch(text) is not None
