"""Reads `metrics_from`: where metrics come from that the script does not log itself."""

import re
import warnings
from typing import Final

from sweepd.spec.limits import MAX_EXPRESSION_LENGTH
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.keys import METRICS_FROM_KEYS
from sweepd.spec.sweep_spec import MetricsFrom

MAX_PATTERN_LENGTH: Final = MAX_EXPRESSION_LENGTH
MAX_PATH_LENGTH: Final = 4_096


def read_metrics_from(fields: Fields) -> MetricsFrom | None:
    """Return what the file says; what is unusable is left out, after recording why."""
    inner = fields.inner("metrics_from", "a mapping with one of the keys `stdout`, `file` and `tensorboard`")
    if inner is None:
        return None
    inner.check_keys(METRICS_FROM_KEYS, "`metrics_from`")
    if not inner.node.entries:
        inner.error("missing-key", "needs one of `stdout`, `file` and `tensorboard`")
    pattern = inner.text("stdout")
    if pattern is not None and (complaint := complaint_of_pattern(pattern)):
        inner.error("bad-value", complaint, key="stdout")
    for key in ("file", "tensorboard"):
        path = inner.text(key)
        if path is not None and not 1 <= len(path) <= MAX_PATH_LENGTH:
            inner.error("bad-value", f"must be a path of 1 to {MAX_PATH_LENGTH:,} characters", key=key)
    return MetricsFrom(
        stdout=pattern or "", file=inner.text("file") or "", tensorboard=inner.text("tensorboard") or ""
    )


def complaint_of_pattern(pattern: str) -> str:
    """Say why a pattern cannot be used; empty if it can."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        return f"a pattern of {len(pattern):,} characters; at most {MAX_PATTERN_LENGTH:,} are read"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = re.compile(pattern).groupindex
    except (re.error, RecursionError, OverflowError) as error:
        return f"is no regular expression: {error}"
    if not names:
        return "has no named group; write (?P<loss>...) for the value of `loss`"
    return ""
