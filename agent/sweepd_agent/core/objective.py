"""Notices that a run ended well but left out what the sweep searches for."""

from collections.abc import Sequence

from sweepd_agent.core.attempt import Exit, ExitCause


def missing_objective(
    how: Exit, watched: Sequence[str], logged: Sequence[str], iterations: int
) -> str | None:
    """Return what to tell the person whose script it is; None if nothing is amiss.

    Args:
        how: how the run ended.
        watched: the keys that the sweep watches; the first is the objective.
        logged: the keys that the run has logged.
        iterations: rows that had a finite objective.
    """
    if how.cause is not ExitCause.EXITED or how.failed or not watched or iterations:
        return None
    objective = watched[0]
    if objective in logged:
        return f"your script logged `{objective}`, but never as a finite number"
    keys = ", ".join(f"`{key}`" for key in logged) or "nothing"
    return f"your script logged {keys}; the sweep optimises `{objective}`"
