"""Frames between the service and its workers: one pickled object a frame, its length before it.

Both ends are this program, started by itself over a private pipe; nothing from outside is ever unpickled.
"""

import pickle
import struct
from dataclasses import dataclass

from sweepd_suggestion.domain.importance import Importance, ImportanceQuestion
from sweepd_suggestion.domain.proposal import Proposal, Question

HEADER = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Request to a worker to load what fitting needs, before the first question."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Answer of a worker that has loaded it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A question that a worker could not answer, and the traceback."""

    why: str


Asked = Question | ImportanceQuestion
Answered = tuple[Proposal, ...] | Importance
ToWorker = Asked | WarmUp
FromWorker = Answered | Ready | Failed


def packed(message: ToWorker | FromWorker) -> bytes:
    """Return a message as a frame."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def to_worker(body: bytes) -> ToWorker:
    """Return what the service sent."""
    message: ToWorker = pickle.loads(body)  # noqa: S301 (our own, see above)
    return message


def from_worker(body: bytes) -> FromWorker:
    """Return what a worker answered."""
    message: FromWorker = pickle.loads(body)  # noqa: S301 (our own, see above)
    return message
