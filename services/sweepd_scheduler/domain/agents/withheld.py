"""Reasons why an agent gets no runs of a sweep that it serves."""

from dataclasses import dataclass
from enum import StrEnum


class WithheldReason(StrEnum):
    """Reason why an agent gets no runs of a sweep that it serves."""

    NONE = "none"
    LABELS = "labels"
    GUARD = "guard"
    PAUSED = "paused"
    CANARY = "canary"
    ENDING = "ending"
    SUGGESTION = "suggestion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """An agent gets no runs of a sweep that it serves, or, without a reason, gets them again."""

    sweep: str
    reason: WithheldReason
    message: str = ""
