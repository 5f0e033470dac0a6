"""The run that a callback belongs to."""

import sweepd
from sweepd.compat.errors import Error


def run_of(who: str) -> sweepd.Run:
    """Return the run under way.

    Raises:
        Error: there is none.
    """
    if sweepd.run is None:
        raise Error(f"{who}: call wandb.init() first")
    return sweepd.run
