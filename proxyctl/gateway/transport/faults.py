"""Every way an upstream exchange can fail below HTTP, each as its own class.

    TransportFault(httpx.TransportError)
      ├─ ConnectFailedError(httpx.ConnectError)          nobody answers there
      │    ├─ ResolveError                               the name has no address
      │    └─ TlsError                                   no trusted TLS session
      ├─ ConnectTimeoutError(httpx.ConnectTimeout)
      ├─ PoolTimeoutError(httpx.PoolTimeout)             every connection to the origin stayed busy
      ├─ ProxyFailedError(httpx.ProxyError)              the HTTP(S)_PROXY refused or is unusable
      ├─ InvalidRequestError(httpx.LocalProtocolError)   what we were asked to send is not HTTP
      ├─ DisconnectedError(httpx.RemoteProtocolError)    closed before the response head was complete
      ├─ CutBodyError(httpx.RemoteProtocolError)         closed in the middle of the body
      ├─ InvalidResponseError(httpx.RemoteProtocolError) what came back is not HTTP/1.1
      ├─ AnswerTooLargeError(httpx.RemoteProtocolError)  longer than the reader allows
      ├─ FirstByteTimeoutError(httpx.ReadTimeout)        no response head in time
      └─ IdleTimeoutError(httpx.ReadTimeout)             silence in the middle of the body

Each is also the matching httpx exception, so that code written against either seam catches it. `sent` and
`response_started` are facts, never guesses: a request is repeated safely when `sent` is false, and with the risk of
paying twice when `sent` is true and `response_started` false.
"""

import httpx


class TransportFault(httpx.TransportError):
    """The root. Its text names the origin or the fact, never a header or a key."""

    def __init__(
        self, message: str, *, sent: bool = False, response_started: bool = False, reused: bool = False
    ) -> None:
        """Keep the facts that decide about a repeat.

        `sent`: at least one byte of the request was handed to the socket. `response_started`: at least one byte of
        an answer came back. `reused`: the connection had served another request before, so that a
        `DisconnectedError` may be nothing but the upstream's keep-alive limit.
        """
        super().__init__(message)
        self.sent = sent
        self.response_started = response_started
        self.reused = reused


class ConnectFailedError(TransportFault, httpx.ConnectError):
    """Refused, unreachable, or closed before the connection stood. Nothing was sent."""


class ResolveError(ConnectFailedError):
    """The host name has no address."""


class TlsError(ConnectFailedError):
    """The handshake failed or the certificate is not to be trusted."""


class ConnectTimeoutError(TransportFault, httpx.ConnectTimeout):
    """Name, TCP and TLS together took longer than `Timeouts.connect`. Nothing was sent."""


class PoolTimeoutError(TransportFault, httpx.PoolTimeout):
    """All allowed connections to the origin stayed busy for `Timeouts.connect`. Nothing was sent."""


class ProxyFailedError(TransportFault, httpx.ProxyError):
    """The proxy that the environment names refused the connection or cannot be used. Nothing was sent."""


class InvalidRequestError(TransportFault, httpx.LocalProtocolError):
    """A method, target or header that would break HTTP framing. Nothing was sent."""


class DisconnectedError(TransportFault, httpx.RemoteProtocolError):
    """The upstream closed the connection before its response head was complete."""


class CutBodyError(TransportFault, httpx.RemoteProtocolError):
    """The upstream closed the connection before the body's announced end."""


class InvalidResponseError(TransportFault, httpx.RemoteProtocolError):
    """The upstream does not speak HTTP/1.1, or its response head is longer than we accept."""


class AnswerTooLargeError(TransportFault, httpx.RemoteProtocolError):
    """The body is longer than the limit given to `read`."""


class FirstByteTimeoutError(TransportFault, httpx.ReadTimeout):
    """No complete response head within `Timeouts.first_byte` after the request was sent."""


class IdleTimeoutError(TransportFault, httpx.ReadTimeout):
    """No byte of the body for `Timeouts.idle`."""
