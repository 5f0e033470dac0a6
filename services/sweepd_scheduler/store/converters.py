"""Converters of columns whose encoding does not follow from their types."""

import json
from functools import lru_cache

from sweepd.metrics_file import MAX_KEY_LENGTH
from sweepd.spec.keys.sweep import to_document
from sweepd.spec.parse import parse_mapping
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_kernel.rpc.limits import ARGV, TOO_LONG, fits


def spec_text(spec: SweepSpec) -> str:
    """Serialise a specification."""
    return json.dumps(to_document(spec), ensure_ascii=False)


@lru_cache(maxsize=256)
def spec_of(text: str) -> SweepSpec:
    """Parse a stored specification."""
    parsed = parse_mapping(json.loads(text), file="the stored sweep")
    if parsed.spec is None:
        raise ValueError(f"a stored sweep cannot be read: {parsed.diagnostics[0]}")
    return parsed.spec


def index_text(index: int) -> str:
    """Serialise an index of any size; a large one in hexadecimal, as Python limits decimal conversion."""
    return str(index) if index < 2**63 else hex(index)


def index_of(text: str) -> int:
    """Parse a stored index, decimal or hexadecimal."""
    return int(text, 0)


def keys_of(text: str) -> tuple[str, ...]:
    """Parse stored keys of metrics; leave out overlong ones, as lists of runs have to fit into messages."""
    if text == "[]":
        return ()
    return tuple(key for key in json.loads(text) if len(key) <= MAX_KEY_LENGTH)


def argv_of(text: str) -> tuple[str, ...]:
    """Parse the stored arguments of a command; return TOO_LONG if they exceed the limit."""
    if text == "[]":
        return ()
    argv: list[str] = json.loads(text)
    return tuple(argv) if fits(argv, ARGV) else TOO_LONG
