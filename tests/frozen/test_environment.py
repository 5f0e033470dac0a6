"""Environment variables that the programs read or set, and names of events in the log of an agent."""

from __future__ import annotations

import re

from frozen.golden_files import Unchanged
from frozen.texts import texts

_VARIABLE = re.compile(r"(?:SWEEPD|WANDB)_[A-Z][A-Z_]*[A-Z]")
AGENT_EVENTS = {
    *("connected", "disconnected", "run_started", "run_adopted", "run_ended", "result_acked", "command"),
    *("metrics_acked", "fenced", "withheld", "draining", "exiting", "notice", "claimed", "brought_in"),
}
_SHAPE_OF_EVENT = re.compile(r"[a-z]+(_[a-z]+)?")


def test_variables_that_are_read_or_set(unchanged: Unchanged) -> None:
    found = {text for text in texts("client", "agent", "services") if _VARIABLE.fullmatch(text)}
    unchanged("variables", sorted(found))


def test_events_in_the_log_of_an_agent() -> None:
    """Compare only the names of events; other tests check their fields."""
    assert set(texts("agent")) >= AGENT_EVENTS, (
        "events of `--log-format json` that no longer occur in the agent"
    )
