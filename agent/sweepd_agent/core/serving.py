"""Sweeps that the agent serves: their names, their ends, and reasons why a sweep gives it no runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from sweepd.spec.command import uses_program
from sweepd_agent.core.attempt import Assignment, Json
from sweepd_agent.core.events import Ineligibility, LogEvent, Reason, SweepEnded
from sweepd_agent.core.state import Batch

LOG_EVERY = 300.0
"""Interval in seconds at which a waiting agent logs why it waits."""

V = TypeVar("V")

# Seconds before waiting for a suggestion is logged; most suggestions take less.
_PATIENCE = 2.0
_OF_THIS_AGENT = frozenset({Reason.LABELS, Reason.GUARD, Reason.OTHER})

NO_PROGRAM = (
    "has no `program`: its runs call a Python function; run it with sweepd.agent(ID, function), or "
    "create it again with a `program`"
)
"""Reason why an agent that starts programs refuses a run of a sweep without a program."""
DEFAULT_ENTITY = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepName:
    """Name of a sweep, as given on the command line."""

    # Format: entity/project/id; None if only the id was given.
    full: str | None
    id: str

    def may_be(self, other: "SweepName") -> bool:
        """True if another name may refer to the same sweep."""
        return self.id == other.id and (self.full is None or other.full is None or self.full == other.full)

    def matches(self, name: str) -> bool:
        """True if this name may refer to the sweep with the full name `name`."""
        return name == self.full if self.full is not None else name.rpartition("/")[2] == self.id


def parse_sweep_name(text: str) -> SweepName:
    """Return the sweep name in `text`.

    Raises:
        ValueError: the text has empty parts or too many parts.
    """
    parts = text.split("/")
    if not all(parts) or len(parts) > 3:
        raise ValueError(f"{text!r} is not the name of a sweep; write ID, PROJECT/ID or ENTITY/PROJECT/ID")
    if len(parts) == 2:
        parts = [DEFAULT_ENTITY, *parts]
    return SweepName(full="/".join(parts) if len(parts) == 3 else None, id=parts[-1])


def lacks_program(assignment: Assignment) -> bool:
    """True if the command of a run needs a program that its sweep does not name."""
    return not assignment.program and uses_program(assignment.command)


def ended(batch: Batch, event: SweepEnded) -> None:
    """Stop serving a sweep that hands out no more runs."""
    if event.sweep not in batch.state.sweeps:
        return
    rest = batch.state.sweeps - {event.sweep}
    batch.state = replace(batch.state, sweeps=rest, served=rest or batch.state.sweeps)
    fields: dict[str, Json] = {
        "command": "sweep ended",
        "sweep": event.sweep,
        "state": event.state,
        "reason": event.reason,
    }
    batch.do(LogEvent("command", None, fields))


def ineligible_at_welcome(batch: Batch, ineligible: Mapping[str, Ineligibility]) -> None:
    """Replace the reasons of all sweeps that have not ended with those in Welcome."""
    for sweep in sorted(batch.state.sweeps | ineligible.keys()):
        set_ineligible(batch, sweep, ineligible.get(sweep))


def set_ineligible(batch: Batch, sweep: str, ineligibility: Ineligibility | None) -> None:
    """Record why a sweep gives no runs (None: it gives runs); schedule a log line if the reason is new."""
    state = batch.state
    before = state.ineligible.get(sweep)
    ineligible = _without(state.ineligible, sweep)
    if ineligibility is not None:
        ineligible[sweep] = ineligibility
    batch.state = state = replace(state, ineligible=ineligible)
    if (before and before.reason) == (ineligibility and ineligibility.reason):
        return
    log_at = _without(state.log_at, sweep)
    if ineligibility is not None:
        log_at[sweep] = batch.now + (_PATIENCE if ineligibility.reason is Reason.SUGGESTION else 0.0)
    elif sweep in state.logged_reasons:
        batch.do(LogEvent("withheld", None, {"sweep": sweep, "reason": None, "message": ""}))
        state = replace(state, logged_reasons=_without(state.logged_reasons, sweep))
    batch.state = replace(state, log_at=log_at)


def handed_out(batch: Batch, sweep: str) -> None:
    """Clear the ineligibility for a sweep that has just handed out a run, if it concerned every agent."""
    ineligibility = batch.state.ineligible.get(sweep)
    if ineligibility is not None and ineligibility.reason not in _OF_THIS_AGENT:
        set_ineligible(batch, sweep, None)


def log_due(batch: Batch) -> None:
    """Log the reasons why sweeps give no runs, for each sweep whose log line is due.

    A new reason that concerns only this agent is always logged; other lines only while the agent waits for
    runs. Lines are repeated every few minutes, so that they are near the end of a long log.
    """
    for sweep, at in sorted(batch.state.log_at.items()):
        state, ineligibility = batch.state, batch.state.ineligible[sweep]
        is_new = state.logged_reasons.get(sweep) is not ineligibility.reason
        waits = state.waits and sweep in state.sweeps
        if batch.now < at or not (waits or (is_new and ineligibility.reason in _OF_THIS_AGENT)):
            continue
        fields: dict[str, Json] = {
            "sweep": sweep,
            "reason": ineligibility.reason.value,
            "message": ineligibility.message,
        }
        batch.do(LogEvent("withheld", None, fields))
        batch.state = replace(
            state,
            logged_reasons={**state.logged_reasons, sweep: ineligibility.reason},
            log_at={**state.log_at, sweep: batch.now + LOG_EVERY},
        )


def _without(mapping: Mapping[str, V], sweep: str) -> dict[str, V]:
    return {other: value for other, value in mapping.items() if other != sweep}
