"""Checkpoints of a run: those that its attempts saved, and the one from which the next attempt resumes.

An attempt that resumes restores the objective state of the run at the time of the checkpoint: iterations,
best value, values at rungs. An attempt that starts over begins with an empty objective state.
"""

from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.results import value_logged
from sweepd_scheduler.domain.runs.run import Attempt, Checkpoint, Run, with_attempt
from sweepd_scheduler.domain.runs.values import Values

MAX_CHECKPOINTS = 16
"""Maximum number of checkpoints per attempt; the oldest are dropped, as scripts resume from a recent one."""


def with_checkpoint(run: Run, step: int) -> Run:
    """Return the run with a checkpoint of all steps up to `step` added to its newest attempt."""
    fresh = Checkpoint(step=step, values=run.values, stopping=run.stopping)
    others = (each for each in run.newest.checkpoints if each.step != step)
    kept = (*others, fresh)[-MAX_CHECKPOINTS:]
    return with_attempt(run, replace(run.newest, checkpoints=kept))


def has_checkpoints(run: Run) -> bool:
    """Return True if any attempt at a run has saved a checkpoint."""
    return any(attempt.checkpoints for attempt in run.attempts)


def checkpoint_at(attempts: tuple[Attempt, ...], step: int) -> Checkpoint | None:
    """Return the last checkpoint at or before a step, without those that later attempts superseded; or None.

    An attempt that resumed from a step supersedes checkpoints of earlier attempts after that step; one that
    started over supersedes all checkpoints of earlier attempts.
    """
    limit = step
    for attempt in reversed(attempts):
        fitting = [each for each in attempt.checkpoints if each.step <= limit]
        if fitting:
            return max(fitting, key=lambda each: each.step)
        if attempt.resumed_from_step is None:
            if attempt.start_time:
                return None  # it started over, so earlier checkpoints are superseded
        else:
            limit = min(limit, attempt.resumed_from_step)
    return None


def resume(draft: Draft, run: Run) -> None:
    """Restore the objective state of a resumed run from its checkpoint, unless it has new values."""
    step = run.newest.resumed_from_step
    if step is None or run.values != Values():
        return
    checkpoint = checkpoint_at(run.attempts[:-1], step)
    iterations = checkpoint.values.iterations if checkpoint else 0
    draft.forget_rungs(run, beyond=iterations)
    if checkpoint is None:
        return
    run = replace(run, values=checkpoint.values, stopping=checkpoint.stopping)
    draft.put_run(run)
    if checkpoint.values.best is not None:
        value_logged(draft, run, checkpoint.values.best)


def forget_rungs_if_restarted(draft: Draft, run: Run) -> None:
    """Clear the rung values of a run that starts over; called before its first value is counted."""
    if run.newest.resumed_from_step is None and run.values == Values() and has_checkpoints(run):
        draft.forget_rungs(run)
