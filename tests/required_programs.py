"""Programs other than Python that tests require, and checks that they are installed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path


def postgresql_binaries() -> Path | None:
    """Return the binaries of the newest PostgreSQL, even if it is not on the PATH; None if not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _browser() -> bool:
    return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))


def _node() -> bool:
    return shutil.which("node") is not None


PROGRAMS: dict[str, Callable[[], bool]] = {
    "PostgreSQL": cache(lambda: postgresql_binaries() is not None),
    "a browser": cache(_browser),
    "Node": cache(_node),
    "strace": cache(lambda: shutil.which("strace") is not None),
}


def missing(*names: str) -> tuple[str, ...]:
    """Return the programs among `names` that are not installed."""
    return tuple(name for name in names if not PROGRAMS[name]())
