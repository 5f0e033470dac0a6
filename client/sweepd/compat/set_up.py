"""The set-up of W&B's module: scripts reset what it knows of the run that an agent has handed out."""

from sweepd.script import beside_sweep

__all__ = ["setup"]


def setup(*_ignored: object, **_more: object) -> None:
    """Do nothing: there is nothing to set up."""


def _setup(*_ignored: object, _reset: bool = False, **_more: object) -> None:
    """Have the next `init` begin a run of its own, if the set-up is reset."""
    if _reset:
        beside_sweep.request_standalone()
