"""Values of W&B's module that are only passed on."""

from enum import Enum

patched: dict[str, list[object]] = {"tensorboard": [], "keras": [], "gym": []}


class AlertLevel(Enum):
    """How urgent an alert is."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class ArtifactTTL(Enum):
    """How long an artifact is kept; here they stay with their run."""

    INHERIT = 0
