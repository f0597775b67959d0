"""`python -m proxyctl.simulator --port 0`: the simulator as a process.

It prints one JSON line with its address when it listens, and stops on SIGINT or SIGTERM.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from proxyctl.simulator.server import Simulator


async def serve(host: str, port: int, delay: float, words: int) -> None:
    simulator = Simulator(delay=delay, words=words)
    await simulator.start(host, port)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # no signal handlers on Windows' loop
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    urls = {name: simulator.url(name) for name in simulator.providers}
    sys.stdout.write(json.dumps({"url": simulator.root, "providers": urls}) + "\n")
    sys.stdout.flush()
    try:
        await stopped.wait()
    finally:
        await simulator.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m proxyctl.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between two frames of a stream")
    parser.add_argument("--words", type=int, default=0, help="pad text answers to this many words")
    options = parser.parse_args()
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    run(serve(options.host, options.port, options.delay, options.words))


if __name__ == "__main__":
    main()
