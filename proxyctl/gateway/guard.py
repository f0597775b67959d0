"""Who may talk to the daemon: no other web page, no rebound host name, and the keys where keys are set.

A browser that visits a hostile page can reach loopback. It always says so: by `Origin` on what it posts, by
`Sec-Fetch-Site` on everything, and by the `Host` that a rebound DNS name leaves behind. All three are checked before a
path is looked at. A gateway without keys accepts any credential, since SDKs insist on sending one.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from proxyctl.core.errors import ForbiddenError, UnauthenticatedError
from proxyctl.gateway.inbound import ClientHeaders

_SEEN_HOSTS = 64
"""Host headers that are remembered as allowed: parsing one costs more than all other checks."""
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Checks of one configuration. `keys` are the gateway's own; empty means open to whoever reaches the socket."""

    def __init__(
        self,
        *,
        host: str,
        allowed_hosts: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
        keys: Iterable[str] = (),
        locked: bool = False,
        token: str = "",
    ) -> None:
        """`locked` when keys are asked for even if none of them could be found: then nobody gets in."""
        self._hosts = {name.lower() for name in allowed_hosts} | _LOCAL_NAMES
        self._origins = {origin.lower().rstrip("/") for origin in allowed_origins}
        self._keys = tuple(key.encode() for key in keys)
        self._locked = locked or bool(self._keys)
        self._token = token.encode()
        self._any_address = _is_wildcard(host)
        self._seen_hosts: set[bytes] = set()
        if not self._any_address:
            self._hosts.add(host.lower())

    def check_source(self, headers: ClientHeaders) -> None:
        """Raise `ForbiddenError` for another web page or a host name that is not ours."""
        host = headers.get(b"host")
        if host is not None and host not in self._seen_hosts and not self._host_allowed(host):
            shown = host.decode("latin-1")
            raise ForbiddenError(
                f"the Host header says {shown!r}, which is not this gateway",
                hint="use http://127.0.0.1 or list the name in server.allowed_hosts",
                code="host_not_allowed",
            )
        origin = headers.get(b"origin")
        if origin is not None and not self._origin_allowed(origin, host or b""):
            shown = origin.decode("latin-1")
            raise ForbiddenError(
                f"requests from the web page {shown!r} are refused",
                hint="list the origin in server.allowed_origins if it is yours",
                code="origin_not_allowed",
            )
        if origin is None and headers.get(b"sec-fetch-site") == b"cross-site":
            raise ForbiddenError("requests from other web sites are refused", code="origin_not_allowed")

    def check_client(self, headers: ClientHeaders, query: bytes) -> None:
        """Raise `UnauthenticatedError` when keys are set and the caller shows none of them."""
        if not self._locked:
            return
        shown = presented_key(headers, query)
        if not any(hmac.compare_digest(shown, key) for key in self._keys):
            raise UnauthenticatedError(
                "this gateway needs a key of its own" if not shown else "the gateway does not know this key",
                hint="send one of server.keys as the API key of your SDK",
            )

    def owner(self, headers: ClientHeaders, query: bytes) -> str:
        """Whose request it is, one name a key, `""` for everybody in a gateway without keys; it gives no key away."""
        if not self._locked:
            return ""
        return hashlib.blake2b(presented_key(headers, query), digest_size=16).hexdigest()

    def may_manage(self, headers: ClientHeaders, *, write: bool) -> bool:
        """Whether the caller may read, or change, through the management API."""
        if not write and not self._locked:
            return True
        shown = presented_key(headers, b"")
        return any(hmac.compare_digest(shown, key) for key in (*self._keys, self._token) if key)

    def sharing(self, headers: ClientHeaders) -> list[tuple[bytes, bytes]]:
        """The headers with which a browser lets a listed page read an answer; none for anybody else.

        The request has passed `check_source`. A preflight, which asks before it sends, is told what it asked for.
        """
        origin = headers.get(b"origin")
        if origin is None or not self._origin_listed(origin):
            return []
        shared = [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
        if not is_preflight(headers):
            return [*shared, (b"access-control-expose-headers", b"*")]
        shared += [
            (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
            (b"access-control-max-age", b"600"),
        ]
        if wanted := headers.get(b"access-control-request-headers"):
            shared.append((b"access-control-allow-headers", wanted))
        if b"access-control-request-private-network" in headers:
            shared.append((b"access-control-allow-private-network", b"true"))
        return shared

    def _origin_allowed(self, origin: bytes, host: bytes) -> bool:
        """Our own pages (the origin is the host that was asked) and those that the config lists."""
        own = origin.partition(b"://")[2]
        return (bool(own) and own == host) or self._origin_listed(origin)

    def _origin_listed(self, origin: bytes) -> bool:
        return origin.decode("latin-1").lower().rstrip("/") in self._origins

    def _host_allowed(self, host: bytes) -> bool:
        try:
            name = urlsplit("//" + host.decode("latin-1")).hostname or ""
        except ValueError:
            return False
        allowed = name in self._hosts or (self._any_address and _is_address(name))
        if allowed and len(self._seen_hosts) < _SEEN_HOSTS:
            self._seen_hosts.add(host)
        return allowed


def is_preflight(headers: ClientHeaders) -> bool:
    """Whether a browser asks what it may send; it shows no credential with that."""
    return b"origin" in headers and b"access-control-request-method" in headers


def presented_key(headers: ClientHeaders, query: bytes) -> bytes:
    """The credential that a client shows: the first non-empty of the carriers that SDKs use (wire notes 2026-11)."""
    if key := headers.get(b"x-api-key", b"").strip():
        return key
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer" and token.strip():
        return token.strip()
    if key := headers.get(b"x-goog-api-key", b"").strip():
        return key
    if b"key=" in query:
        # As text, byte for byte: given bytes, `parse_qs` fails on whatever is not ASCII.
        values = parse_qs(query.decode("latin-1"), encoding="latin-1").get("key", [""])
        return values[0].encode("latin-1")
    return b""


def _is_wildcard(host: str) -> bool:
    return host in ("0.0.0.0", "::", "")


def _is_address(name: str) -> bool:
    """An IP address cannot be rebound; a name can."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
