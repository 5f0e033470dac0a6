"""Properties of any sweep file: it is read and previewed, or refused, in time and without a crash."""

import resource
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import FrameType

from decoded_diagnostics import diagnostic_from_message
from sweepd import v1
from sweepd.codec.spec import diagnostic_message, spec_from_message, spec_message
from sweepd.spec.finding import Findings
from sweepd.spec.keys.sweep import to_document
from sweepd.spec.loading.loader import load_text, read_value, read_values
from sweepd.spec.loading.tree import plain
from sweepd.spec.parse import Parsed, parse_mapping, parse_text
from sweepd.spec.point import Group, Json, ParameterNode
from sweepd.spec.preview import preview
from sweepd.spec.sweep_spec import SweepSpec

MOST_SECONDS = 5.0
RUNS = 5
STEPS = 100_000
PATIENCE = 5
_MOST_WRITTEN = 300


class TooSlowError(Exception):
    """A file took more than `MOST_SECONDS` of processor time."""


def check(content: bytes) -> tuple[str, ...]:
    """Try a file on the reader, the preview and the codec; return the codes of its findings.

    Raises:
        Exception: any that a file must not cause; AssertionError for a wrong result.
    """
    with _in_time():
        parsed = parse_text(content, file="s.yaml")
        _check_findings(parsed, content)
        if parsed.spec is not None:
            _check_nothing_is_dropped(parsed.spec, content)
            _check_spec(parsed.spec)
        if len(content) <= _MOST_WRITTEN:
            _check_words(content)
    kind = "refused" if parsed.spec is None else parsed.spec.method.name
    return (kind, *sorted({f"{found.code} {_shape(found.message)}" for found in parsed.diagnostics}))


def _check_findings(parsed: Parsed, content: bytes) -> None:
    assert (parsed.spec is None) is bool(parsed.refusals)
    lines = content.count(b"\n") + content.count(b"\r") + content.count("\u2028".encode()) + 1
    lines += content.count("\u2029".encode()) + content.count("\x85".encode())
    for found in parsed.diagnostics:
        assert str(found).isprintable(), found
        assert found.message, found
        assert found.line is None or 1 <= found.line <= lines + 1, found
        assert found.column is None or found.column >= 1, found
        assert diagnostic_from_message(diagnostic_message(found)) == found


def _check_nothing_is_dropped(spec: SweepSpec, content: bytes) -> None:
    root = load_text(content, Findings("s.yaml"))
    assert root is not None
    written = plain(root)
    assert isinstance(written, dict)
    assert _names(spec.parameters) == _written_names(written.get("parameters", {}))
    for key in ("constraints", "zip", "initial", "runs", "tags", "requires", "metadata", "command"):
        assert _size(to_document(spec).get(key)) == _size(written.get(key)), key


def _size(value: Json) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _names(parameters: Mapping[str, ParameterNode]) -> dict[str, Json]:
    return {
        name: _names(node.parameters) if isinstance(node, Group) else None
        for name, node in parameters.items()
    }


def _written_names(parameters: Json) -> dict[str, Json]:
    assert isinstance(parameters, dict)
    return {
        name: _written_names(node["parameters"]) if isinstance(node, dict) and "parameters" in node else None
        for name, node in parameters.items()
    }


def _check_spec(spec: SweepSpec) -> None:
    again = parse_mapping(to_document(spec)).spec
    assert again == spec
    assert repr(again) == repr(spec)
    expected = replace(spec, description=spec.description or None, project=None, entity=None)
    message = v1.SweepSpec.FromString(spec_message(expected).SerializeToString())
    assert spec_from_message(message) == expected
    seeded = spec if spec.seed is not None else replace(spec, seed=7)
    shown = preview(seeded, RUNS, patience=PATIENCE, steps=STEPS)
    assert len(shown.runs) <= RUNS
    for run in shown.runs:
        assert not spec.parameters or not spec.search_space.violations(run.point), run
        assert bool(run.argv) is not bool(run.problem), run


def _check_words(content: bytes) -> None:
    """Try the text as a value of the command line."""
    text = content.decode(errors="replace")
    for read in (read_value, read_values):
        with suppress(ValueError):
            read(text)


def _shape(message: str) -> str:
    """Return a message without the parts that differ between files."""
    return "".join(char for char in message if not char.isdigit())[:24]


@contextmanager
def _in_time() -> Iterator[None]:
    """Raise if the block takes too much processor time, which unlike elapsed time does not depend on load."""
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    start = _spent()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    if _spent() - start > MOST_SECONDS:
        raise TooSlowError  # inside the C library, which signals do not interrupt


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooSlowError


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
