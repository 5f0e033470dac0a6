"""Messages shared by several parts of sweepd."""

INSTALL_SERVER = "pip install '.[server]' in a checkout of sweepd"
"""Command that installs the server; sweepd is not on a package index."""


def unbounded_sentence(sweep: str) -> str:
    """Return the sentence that explains how to end an unbounded sweep."""
    return f"no run_cap: the sweep runs until it is stopped, by `Sweep.stop()` or `sweepctl stop {sweep}`"
