"""Classes that W&B's module names and that scripts check values by, or make."""

import sweepd
from sweepd.script.config import Config

__all__ = ["Config", "EvalTable"]


class EvalTable(sweepd.Table):
    """A table."""
