"""Acknowledgements of an agent's reports: cursors up to which lanes are stored, and ends of attempts.

A report is acknowledged once it is on disk. Decisions acknowledge observations, details and ends
(`domain/agents/reports.py`, with the command `Ack`); the metric store acknowledges points, samples, logs and
files (`forwarder.py`). This module merges the acknowledgements until the stream of the agent sends them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweepd import v1
from sweepd_scheduler.agents import codec
from sweepd_scheduler.agents.forwarder import Lane
from sweepd_scheduler.api.run_codec import RUN_STATES
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.effects import Ack


@dataclass(slots=True)
class _Due:
    """Acknowledgements to be sent for an attempt: of its lanes, and of its end if it was reported."""

    cursors: dict[Lane, int] = field(default_factory=dict)
    end: Ack | None = None


class Acknowledgements:
    """Acknowledgements that a stream still has to send; only the newest cursor of each lane is sent."""

    def __init__(self) -> None:
        self._due: dict[AttemptRef, _Due] = {}

    def __len__(self) -> int:
        return len(self._due)

    def add_decision(self, ack: Ack) -> None:
        """Add the acknowledgements of a decision."""
        self.add_lanes(ack.ref, codec.known_cursors(ack.observation_row, ack.details_sequence))
        if ack.run_state is not None:
            self._due[ack.ref].end = ack

    def add_lanes(self, ref: AttemptRef, cursors: Mapping[Lane, int]) -> None:
        """Add the cursors up to which lanes of an attempt are stored."""
        self._due.setdefault(ref, _Due()).cursors.update(cursors)

    def take(self) -> v1.AttachResponse:
        """Remove the acknowledgements of the attempt that has waited longest, and return them as a message.

        At least one acknowledgement must be pending.
        """
        ref = next(iter(self._due))
        due = self._due.pop(ref)
        message = v1.Ack(attempt=codec.ref_message(ref), cursors=codec.cursor_messages(due.cursors))
        if due.end is not None and due.end.run_state is not None:
            message.exited, message.notice = True, due.end.notice
            message.run_state = RUN_STATES[due.end.run_state]
        return v1.AttachResponse(ack=message)
