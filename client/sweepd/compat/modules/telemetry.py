"""Telemetry of W&B's integrations: accepted and dropped."""

from collections.abc import Iterator
from contextlib import contextmanager


class _Dropped:
    """Accepts attributes of any name at any depth."""

    def __getattr__(self, name: str) -> "_Dropped":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __setattr__(self, name: str, value: object) -> None:
        pass


@contextmanager
def context(run: object = None, obj: object = None) -> Iterator[_Dropped]:
    """Yield an object that accepts any attribute."""
    yield _Dropped()
