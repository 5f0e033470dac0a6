"""Messages that several parts of sweepd give."""

INSTALL_SERVER = "pip install '.[server]' in a checkout of sweepd"
"""Command that installs the parts of a server; sweepd is on no package index."""


def unbounded_sentence(sweep: str) -> str:
    """Return the sentence that explains how to end an unbounded sweep."""
    return f"no run_cap: the sweep runs until it is stopped, by `Sweep.stop()` or `sweepctl stop {sweep}`"
