"""Findings about a sweep file as messages and back."""

from sweepd import v1
from sweepd.spec.loading.nodes import Diagnostic


def diagnostic_message(finding: Diagnostic) -> v1.Diagnostic:
    """Return a finding as a message; a missing place becomes line and column 0."""
    error = finding.severity == "error"
    return v1.Diagnostic(
        file_name=finding.file,
        line=finding.line or 0,
        column=finding.column or 0,
        path=finding.path,
        severity=v1.SEVERITY_ERROR if error else v1.SEVERITY_WARNING,
        code=finding.code,
        message=finding.message,
        suggestion=finding.suggestion or "",
    )


def diagnostic_from_message(message: v1.Diagnostic) -> Diagnostic:
    """Return the finding that a message carries; an unknown severity counts as an error."""
    return Diagnostic(
        file=message.file_name,
        line=message.line or None,
        column=message.column or None,
        path=message.path,
        severity="warning" if message.severity == v1.SEVERITY_WARNING else "error",
        code=message.code,
        message=message.message,
        suggestion=message.suggestion or None,
    )
