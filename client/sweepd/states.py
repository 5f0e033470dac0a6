"""The states of runs and sweeps, as every table and option writes them."""

from typing import Final

FINAL_RUN: Final = ("finished", "failed", "crashed", "stopped", "killed")
RUN_STATES: Final = ("pending", "assigned", "running", *FINAL_RUN)
FINAL_SWEEP: Final = ("finished", "stopped", "cancelled", "failed")
