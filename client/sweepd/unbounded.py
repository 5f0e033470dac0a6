"""What Python says of sweeps that are created."""


def unbounded_sentence(sweep: str) -> str:
    """Say of a sweep without an end how it is ended."""
    return f"no run_cap: the sweep goes on until it is stopped, by `Sweep.stop()` or `sweepctl stop {sweep}`"
