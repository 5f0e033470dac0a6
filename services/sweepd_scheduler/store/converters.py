"""Conversion of columns that their types alone do not describe."""

import json
from functools import lru_cache

from sweepd.metrics_file import MAX_KEY_LENGTH
from sweepd.spec.keys.sweep import to_document
from sweepd.spec.parse import parse_mapping
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_kernel.rpc.limits import ARGV, TOO_LONG, fits


def spec_text(spec: SweepSpec) -> str:
    """Return a specification as it is stored."""
    return json.dumps(to_document(spec), ensure_ascii=False)


@lru_cache(maxsize=256)
def spec_of(text: str) -> SweepSpec:
    """Return the specification of a stored text."""
    parsed = parse_mapping(json.loads(text), file="the stored sweep")
    if parsed.spec is None:
        raise ValueError(f"a stored sweep cannot be read: {parsed.diagnostics[0]}")
    return parsed.spec


def index_text(index: int) -> str:
    """Return an index of any length; hexadecimal where it is long, as Python limits digits."""
    return str(index) if index < 2**63 else hex(index)


def index_of(text: str) -> int:
    """Return the index of a stored text."""
    return int(text, 0)


def keys_of(text: str) -> tuple[str, ...]:
    """Return stored names of metrics, without those too long: lists of runs would outgrow messages."""
    if text == "[]":
        return ()
    return tuple(key for key in json.loads(text) if len(key) <= MAX_KEY_LENGTH)


def argv_of(text: str) -> tuple[str, ...]:
    """Return stored arguments; of more than may enter, nothing is shown."""
    if text == "[]":
        return ()
    argv: list[str] = json.loads(text)
    return tuple(argv) if fits(argv, ARGV) else TOO_LONG
