"""Storage errors that callers receive."""

import errno

from sweepd_kernel.errors import Reason, Status
from sweepd_kernel.sql.database import storage_error


def test_a_full_disk_and_other_errors_are_distinguished() -> None:
    full = storage_error(OSError(errno.ENOSPC, "No space left on device"), "scheduler", "/data/x.db")
    assert (full.status, full.reason) == (Status.RESOURCE_EXHAUSTED, Reason.STORAGE_UNAVAILABLE)
    assert full.metadata == {"service": "scheduler", "place": "/data/x.db"}
    away = storage_error(PermissionError(errno.EACCES, "Permission denied"), "scheduler", "/data/x.db")
    assert (away.status, "Permission denied" in str(away)) == (Status.UNAVAILABLE, True)


def test_the_cause_of_an_error_is_named() -> None:
    outer = RuntimeError("cannot start")
    outer.__cause__ = OSError(errno.EDQUOT, "Disk quota exceeded")
    assert storage_error(outer, "scheduler", "x").status is Status.RESOURCE_EXHAUSTED
    assert "cannot start" in str(storage_error(RuntimeError("cannot start"), "scheduler", "x"))
