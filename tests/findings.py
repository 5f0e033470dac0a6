"""Findings decoded from messages that a server sends."""

from sweepd import v1
from sweepd.spec.finding import Diagnostic


def finding_of(message: v1.Diagnostic) -> Diagnostic:
    """Return the finding in a message; an unknown severity counts as an error."""
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
