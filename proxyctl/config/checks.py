"""What one value of the config may look like, whatever section it stands in.

Each check returns the value (an address without its last slash) or raises `Refusal` with a hint. No message repeats a
refused key or header value.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from proxyctl.config.problems import Refusal
from proxyctl.config.references import is_reference, looks_like_variable, variable_in

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_RESERVED = frozenset({"costs", "health", "logs", "metrics", "models", "plan", "records", "status"})
"""Names that would make `/providers/NAME/…` mean two things."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_CREDENTIAL_HEADER = re.compile(r"(?i)authorization|cookie|(.*-)?(api-?key|auth|token|secret)")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:]+")


def check_name(name: str) -> str:
    """A provider's name: it becomes a prefix, a URL segment and a word on a command line."""
    if not _NAME.fullmatch(name):
        raise Refusal("a provider's name has only lower-case letters, digits and hyphens", "for example `my-server`")
    if name in _RESERVED:
        raise Refusal(f"{name!r} is a word of the management API (/providers/{name})", "for example `my-server`")
    return name


def check_reference(text: str) -> str:
    if is_reference(text):
        return text
    if looks_like_variable(text):
        raise Refusal("a key is given by reference", "put a `$` before the variable's name")
    raise Refusal(
        "a key itself does not belong in this file",
        'write "$NAME" for an environment variable, or store it with `proxyctl providers key NAME`',
    )


def check_model(model: str) -> str:
    if not model or model != model.strip():
        raise Refusal("a model's name is not empty and has no spaces around it")
    return model


def _split(url: str) -> tuple[str, str, str, bool]:
    """Scheme, host, path and whether there is more than that (user, query, fragment)."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise Refusal("is not a valid URL", "for example http://127.0.0.1:11434/v1") from None
    return parts.scheme, parts.hostname or "", parts.path, bool(parts.query or parts.fragment or "@" in parts.netloc)


def check_url(url: str) -> str:
    """An upstream's address, returned without slashes at its end."""
    scheme, host, _, more = _split(url)
    if scheme not in {"http", "https"} or not host or re.search(r"\s", url):
        raise Refusal("is not an http or https URL", "for example http://127.0.0.1:11434/v1")
    if more:
        raise Refusal("may hold no user, query or fragment", "give keys with `key` and fields with `headers`")
    return url.rstrip("/")


def check_origin(origin: str) -> str:
    """A web page's origin, exactly as browsers send it."""
    if origin == "*":
        raise Refusal("every web page at once is refused", "list the origins that may call the daemon")
    scheme, host, path, more = _split(origin)
    if not scheme or not host or path or more:
        raise Refusal("is not an origin", "for example http://localhost:3000, without a path")
    return origin


def check_host_name(host: str) -> str:
    """A `Host` header's name, without a port."""
    if not _HOST.fullmatch(host):
        raise Refusal("is not a host name", "for example gateway.lan, without scheme and port")
    return host


def check_header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise Refusal("is not a header's name", "letters, digits and hyphens")
    return name


def check_header_value(value: str) -> str:
    """Text for a header: printable ASCII, or `$NAME` for an environment variable."""
    if not _HEADER_VALUE.fullmatch(value):
        raise Refusal("a header's value is one line of ASCII text")
    if value.startswith("$") and variable_in(value) is None:
        raise Refusal("a value that begins with `$` names an environment variable", 'for example "$TEAM_ID"')
    return value


def check_reach(host: str, *, has_keys: bool) -> None:
    """A daemon that others can reach must know who calls."""
    if not has_keys and not is_loopback(host):
        raise Refusal(
            "listening beyond this machine without a gateway key is refused",
            'add keys = ["$PROXYCTL_KEY"] to [server], or use host = "127.0.0.1"',
            key="host",
        )


def check_keyless(*, keyless: bool, has_keys: bool) -> None:
    if keyless and has_keys:
        raise Refusal("a provider is either keyless or has keys", "remove one of the two", key="keyless")


def check_no_credential(name: str, value: object) -> None:
    """No credential stands in a header either; a reference to one may."""
    if is_credential_header(name) and isinstance(value, str) and not value.startswith("$"):
        raise Refusal(
            f"the header {name} holds a credential, which does not belong in this file",
            f'put it into the environment and write {name} = "$NAME"',
            key=f"headers.{name}",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a socket bound to `host`. A name other than `localhost` may be anything."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_credential_header(name: str) -> bool:
    """Whether a header's name says that its value is a credential."""
    return _CREDENTIAL_HEADER.fullmatch(name.removeprefix("Proxy-").removeprefix("proxy-")) is not None
