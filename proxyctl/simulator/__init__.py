"""Seven providers on loopback, each in its own documented wire format, faults included.

`proxyctl demo` and the socket tests use it. It imports nothing of the gateway: it judges the gateway's codecs.
"""

from proxyctl.simulator.faults import Fault
from proxyctl.simulator.server import Simulator

__all__ = ["Fault", "Simulator"]
