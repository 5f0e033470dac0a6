"""What is said about an expression or a zip before it has a place in a file."""

from dataclasses import dataclass

from sweepd.spec.codes import Code, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong; `path` is dotted: `parameters.opt.lr.when`, `constraints.0`, `zip.1`."""

    path: str
    message: str
    code: Code
    suggestion: str | None = None
    severity: Severity = "error"
