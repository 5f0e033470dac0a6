"""The states of runs and sweeps, in the words of every table, option and property."""

from typing import Final

FINAL_RUN: Final = ("finished", "failed", "crashed", "stopped", "killed")
RUN_STATES: Final = ("pending", "assigned", "running", *FINAL_RUN)
FINAL_SWEEP: Final = ("finished", "stopped", "cancelled", "failed")
GOOD_ENDS: Final = ("finished", "stopped")
