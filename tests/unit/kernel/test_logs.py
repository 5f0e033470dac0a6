"""Lines of a service's log."""

import logging
import sys

from sweepd_kernel.logs import LineFormatter, ShutdownNoise


def record(message: str, *, trace: bool = False, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"msg": message, "levelname": "INFO", "created": 0.0, "msecs": 7.0, **fields}
    )
    if trace:
        try:
            raise KeyError("lost")
        except KeyError:
            made.exc_info = sys.exc_info()
    return made


def test_a_line_has_time_level_service_message_and_fields() -> None:
    line = LineFormatter("scheduler").format(record("a run has ended", run="a/b/c", why="exit code 3", n=2))
    assert line == "1970-01-01T00:00:00.007Z info scheduler a run has ended run=a/b/c why='exit code 3' n=2"


def test_a_message_with_line_breaks_stays_on_one_line() -> None:
    assert "\n" not in LineFormatter("x").format(record("one\ntwo", field="three\nfour"))


def test_a_traceback_follows_indented() -> None:
    first, *others = LineFormatter("x").format(record("it failed", trace=True)).splitlines()
    assert first.endswith("it failed")
    assert others
    assert all(line.startswith("    ") for line in others)


def test_messages_of_grpc_about_an_orderly_end_are_suppressed() -> None:
    noise = ShutdownNoise()
    assert not noise.filter(record("Exception in callback: CancelledError()"))
    assert noise.filter(record("Unexpected [KeyError] raised by servicer method"))
