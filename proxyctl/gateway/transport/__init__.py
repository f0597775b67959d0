"""The HTTP/1.1 client under the gateway: `LeanTransport`, its answers and its faults."""

from proxyctl.gateway.transport.connect import Address, addresses_of
from proxyctl.gateway.transport.faults import (
    AnswerTooLargeError,
    ConnectFailedError,
    ConnectTimeoutError,
    CutBodyError,
    DisconnectedError,
    FirstByteTimeoutError,
    IdleTimeoutError,
    InvalidRequestError,
    InvalidResponseError,
    PoolTimeoutError,
    ProxyFailedError,
    ResolveError,
    TlsError,
    TransportFault,
)
from proxyctl.gateway.transport.head import Origin, Timeouts
from proxyctl.gateway.transport.response import LeanResponse
from proxyctl.gateway.transport.transport import LeanTransport, Response

__all__ = [
    "Address",
    "AnswerTooLargeError",
    "ConnectFailedError",
    "ConnectTimeoutError",
    "CutBodyError",
    "DisconnectedError",
    "FirstByteTimeoutError",
    "IdleTimeoutError",
    "InvalidRequestError",
    "InvalidResponseError",
    "LeanResponse",
    "LeanTransport",
    "Origin",
    "PoolTimeoutError",
    "ProxyFailedError",
    "ResolveError",
    "Response",
    "Timeouts",
    "TlsError",
    "TransportFault",
    "addresses_of",
]
