"""States of runs and sweeps, as text in tables, options and properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sweepd import v1

BAD_ENDS: Final = ("failed", "crashed")
"""Final states of a failed run."""
FINAL_RUN: Final = ("finished", *BAD_ENDS, "stopped", "killed")
RUN_STATES: Final = ("pending", "assigned", "running", *FINAL_RUN)
FINAL_SWEEP: Final = ("finished", "stopped", "cancelled", "failed")
GOOD_ENDS: Final = ("finished", "stopped")


def state_of(found: v1.Sweep | v1.Run | v1.PriorRun) -> str:
    """Return the state of a sweep or a run as text, such as `running`."""
    states = found.DESCRIPTOR.fields_by_name["state"].enum_type
    assert states is not None
    return states.values_by_number[found.state].name.partition("_STATE_")[2].lower()


def has_ended(found: v1.Sweep | v1.Run) -> bool:
    """Return True if a sweep or a run is in a final state."""
    return state_of(found) in {*FINAL_SWEEP, *FINAL_RUN}
