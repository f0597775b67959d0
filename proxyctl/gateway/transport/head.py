"""Where a request goes, how long it may take, and the bytes of its head.

No I/O. The transport owns framing: `content-length`, `transfer-encoding` and `connection` of the caller are dropped
and written anew from the body in hand, so that no client header can make two parties disagree on where a request ends.
"""

from typing import NamedTuple

from proxyctl.gateway.transport.faults import InvalidRequestError

DEFAULT_PORTS = {"http": 80, "https": 443}

FRAMING = frozenset({b"connection", b"content-length", b"keep-alive", b"transfer-encoding", b"upgrade"})
"""Request headers that are the transport's own."""

_BODILESS = frozenset({b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"TRACE"})


class Origin(NamedTuple):
    """One party to connect to: `scheme` is `http` or `https`, `host` a name or an address without brackets."""

    scheme: str
    host: str
    port: int

    def authority(self) -> bytes:
        """The value of the `host` header: the port only when it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        name = host.encode("ascii" if host.isascii() else "idna")
        return name if DEFAULT_PORTS.get(self.scheme) == self.port else b"%b:%d" % (name, self.port)

    def url(self) -> str:
        """For error texts and for the proxied way."""
        return f"{self.scheme}://{self.authority().decode('ascii')}"


class Timeouts(NamedTuple):
    """Limits in seconds, `math.inf` for none.

    `connect`: a free connection, or a new one with name and TLS. `first_byte`: from the request's last byte to the
    complete response head. `idle`: between two reads of the body.
    """

    connect: float
    first_byte: float
    idle: float


def request_head(
    authority: bytes, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body_length: int
) -> bytes:
    """Write a request line and headers, ending in the empty line.

    The caller's `host` wins over `authority`. Raises `InvalidRequestError` when any part holds a byte with which it
    could end its line early.
    """
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    has_host = False
    for name, value in headers:
        lowered = name.lower()
        if lowered in FRAMING:
            continue
        if lowered == b"host":
            has_host = True
        lines.append(b"%b: %b" % (name, value))
    if not has_host:
        lines.append(b"host: " + authority)
    if body_length or method not in _BODILESS:
        lines.append(b"content-length: %d" % body_length)
    count = len(lines) + 1
    lines += (b"", b"")
    head = b"\r\n".join(lines)
    if head.count(b"\r") != count or head.count(b"\n") != count or b"\0" in head or lines[0].count(b" ") != 2:
        raise InvalidRequestError("the request's method, target or headers hold a line break, space or NUL")
    return head
