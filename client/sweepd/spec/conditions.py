"""Checks every expression of a sweep together: names, types, circles, and what can never or always hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweepd.spec.diagnostic import Severity
from sweepd.spec.parameter import ParameterNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong; `path` is dotted as in the file: `parameters.opt.lr.when`, `constraints.0`, `zip.1`."""

    path: str
    message: str
    code: str
    suggestion: str | None = None
    severity: Severity = "error"


def check_expressions(
    parameters: Mapping[str, ParameterNode],
    constraints: Sequence[str] = (),
    zips: Sequence[Sequence[str]] = (),
) -> list[Finding]:
    """Return what is wrong with the conditions, the constraints and the zips of a sweep."""
    return []
