"""Decoder of the diagnostics in messages of a server."""

from sweepd import v1
from sweepd.spec.finding import Diagnostic


def diagnostic_from_message(message: v1.Diagnostic) -> Diagnostic:
    """Return the diagnostic in a message; an unknown severity becomes an error."""
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
