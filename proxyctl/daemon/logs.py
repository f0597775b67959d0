"""The daemon's text log: JSON lines in a rotating file, or lines for people on stderr in the foreground.

Not the request records, which are metering's. Everything that anybody logs, ours or a library's, passes one chain, and
its last step before the text takes keys out. A thread writes: nothing on the request path waits for a disk.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
from collections.abc import Callable, Mapping
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from typing_extensions import override

from proxyctl.config.files import PRIVATE

MAX_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5

Redact = Callable[[str], str]

_QUIET = {"asyncio": logging.WARNING, "hypercorn.error": logging.WARNING, "filelock": logging.WARNING}
"""Loggers of libraries that talk about every step, and the level from which they are heard."""


class LogSink:
    """Where the log goes. `redact` may be changed when a reload brings new keys; `close` writes what is queued."""

    def __init__(self, handler: logging.Handler, level: str, redact: Redact, render: Processor) -> None:
        self.redact = redact
        self._queue: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        self._output = handler
        self._listener = QueueListener(self._queue, handler)
        self._entry = QueueHandler(self._queue)
        self._entry.setFormatter(self._formatter(render))
        self._root = logging.getLogger()
        self._root.addHandler(self._entry)
        self.set_level(level)
        for name, lowest in _QUIET.items():
            logging.getLogger(name).setLevel(lowest)
        structlog.configure(
            processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=False,
        )
        self._listener.start()

    def set_level(self, level: str) -> None:
        """`debug`, `info`, `warning` or `error`."""
        self._root.setLevel(level.upper())

    def close(self) -> None:
        self._root.removeHandler(self._entry)
        self._listener.stop()
        self._output.close()

    def _formatter(self, render: Processor) -> logging.Formatter:
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                self._without_keys,
                render,
            ],
        )

    def _without_keys(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {str(name): _redacted(value, self.redact) for name, value in event.items()}


def log_to_file(path: Path, level: str, redact: Redact) -> LogSink:
    """Log JSON lines to `path`, readable by its owner only, rotated at `MAX_BYTES`. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handler = _PrivateRotatingFile(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
    return LogSink(handler, level, redact, structlog.processors.JSONRenderer(sort_keys=False))


def log_to_terminal(stream: TextIO, level: str, redact: Redact) -> LogSink:
    """Log lines for people, in colour when `stream` is a terminal."""
    return LogSink(logging.StreamHandler(stream), level, redact, structlog.dev.ConsoleRenderer(colors=stream.isatty()))


def _redacted(value: Any, redact: Redact) -> Any:
    """A value without keys, however deep they lie. What is no plain value becomes its text first."""
    if isinstance(value, str):
        return redact(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact(str(name)): _redacted(each, redact) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(each, redact) for each in value]
    return redact(str(value))


class _PrivateRotatingFile(RotatingFileHandler):
    @override
    def _open(self) -> Any:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
        os.fchmod(descriptor, PRIVATE)
        return os.fdopen(descriptor, self.mode, encoding=self.encoding)

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        # A full disk must not fill stderr's file with a traceback a line; one line says it.
        sys.stderr.write(f"the log cannot be written: {sys.exc_info()[1]}\n")


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
