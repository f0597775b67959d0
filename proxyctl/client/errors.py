"""What can go wrong between a command and the daemon.

    ClientError               every one knows the address that was asked
    ├── NotRunningError       ours does not run: nobody listens there
    │   └── ForeignError      … or another's daemon does
    ├── SilentError           it took the request and did not answer in time
    ├── StrangerError         it answered, but not as a proxyctl daemon does
    ├── RefusedError          the daemon said no, and why
    └── CutError              an answer or event stream stopped before its end

They say what happened; which command would help is the command line's business, except for the hint that the daemon
itself gave.
"""

from __future__ import annotations


class ClientError(Exception):
    """The root. `address` is the base URL that was asked."""

    def __init__(self, address: str, message: str) -> None:
        super().__init__(message)
        self.address = address
        self.message = message


class NotRunningError(ClientError):
    """Nothing was sent: the connection was refused or could not be made."""

    def __init__(self, address: str, message: str = "") -> None:
        super().__init__(address, message or f"nothing answers at {address}")


class ForeignError(NotRunningError):
    """A daemon of another home has the address. `config_path` is its config, `""` when it does not tell."""

    def __init__(self, address: str, config_path: str) -> None:
        whose = f"; it runs with {config_path}" if config_path else ""
        super().__init__(address, f"the daemon at {address} is not this home's{whose}")
        self.config_path = config_path


class SilentError(ClientError):
    """No answer within `seconds`. The request may have been carried out."""

    def __init__(self, address: str, seconds: float) -> None:
        super().__init__(address, f"{address} took the request and did not answer within {seconds:g} s")


class StrangerError(ClientError):
    """Something else listens there, or a daemon whose version does not fit ours. `detail` says how we know."""

    def __init__(self, address: str, detail: str) -> None:
        super().__init__(address, f"{address} does not answer as a proxyctl daemon: {detail}")


class RefusedError(ClientError):
    """An error that the daemon sent. `code` is stable; `hint` is what would help, empty when it did not say."""

    def __init__(self, address: str, status: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(address, message)
        self.status = status
        self.code = code
        self.hint = hint


class CutError(ClientError):
    """The connection ended in the middle of an answer."""

    def __init__(self, address: str) -> None:
        super().__init__(address, f"{address} closed the connection in the middle of an answer")
