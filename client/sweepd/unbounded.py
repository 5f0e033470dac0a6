"""Warning of a sweep without an end, as Python gives it."""


def unbounded_sentence(sweep: str) -> str:
    """Say of a sweep without an end how it is ended."""
    return f"no run_cap: the sweep goes on until it is stopped, by `Sweep.stop()` or `sweepctl stop {sweep}`"
