"""W&B's setup, which scripts reset to begin a run beside the one that was handed out."""

from sweepd.script import beside_sweep

__all__ = ["setup"]


def setup(*_ignored: object, **_more: object) -> None:
    """Do nothing: no setup is needed."""


def _setup(*_ignored: object, _reset: bool = False, **_more: object) -> None:
    """Make the next `init` begin a standalone run if the setup is reset."""
    if _reset:
        beside_sweep.request_standalone()
