"""Log of a service on stderr, one line per entry: `time level service message key=value`."""

import logging
import sys
import time

# Attributes of every record; all others come from `extra` and are printed as key=value.
_LOG_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Parts of the messages that gRPC and asyncio log, with stack traces, during an orderly shutdown.
_NOISE = ("CancelledError", "_shutdown", "already shutdown", "Server is closed", "Event loop is closed")


class LineFormatter(logging.Formatter):
    """Formatter with one line per entry; a traceback follows on indented lines."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return an entry as text."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        message = " ".join(record.getMessage().split("\n"))
        head = f"{stamp}.{int(record.msecs):03d}Z {record.levelname.lower()} {self._service} {message}"
        fields = [
            f"{key}={_quoted(value)}" for key, value in vars(record).items() if key not in _LOG_ATTRIBUTES
        ]
        line = " ".join([head, *fields])
        if record.exc_info and record.exc_info[0] is not None:
            trace = self.formatException(record.exc_info)
            line += "".join(f"\n    {row}" for row in trace.splitlines())
        return line


class ShutdownNoise(logging.Filter):
    """Filter that drops messages of gRPC and asyncio about calls that the server's shutdown has ended."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if an entry is to be logged."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            text = f"{text} {record.exc_info[0].__name__} {record.exc_info[1]}"
        return not any(noise in text for noise in _NOISE)


def configure(service: str, level: str = "info") -> logging.Logger:
    """Send all logs of this process to stderr, one line per entry; return the service's logger."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for library in ("grpc", "grpc._cython.cygrpc", "grpc.aio._server", "asyncio"):
        logging.getLogger(library).addFilter(ShutdownNoise())
    for logger in ("sweepd", "sweepd_kernel"):
        logging.getLogger(logger).setLevel(level.upper())
    return logging.getLogger(f"sweepd.{service}")


def _quoted(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(c.isspace() or c == '"' for c in text) else text
