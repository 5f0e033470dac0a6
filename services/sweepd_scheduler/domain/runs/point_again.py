"""A point whose end is taken back: a run of it goes out again, or it gets runs that the cap had cut off."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweepd.spec import Method
from sweepd_scheduler.domain.decision import StudyEvent, StudyNoted
from sweepd_scheduler.domain.requests import NotInMemoryError
from sweepd_scheduler.domain.runs.results import forget_best_of, remains
from sweepd_scheduler.domain.runs.run import FINAL, Run
from sweepd_scheduler.domain.sweeps.revival import check_final
from sweepd_scheduler.domain.sweeps.sweep import FINAL as SWEEP_FINAL
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, SweepState
from sweepd_scheduler.domain.turn import Turn


def goes_on(turn: Turn, run: Run) -> bool:
    """Tell whether any run of the point of a run is not final."""
    numbers = range(run.block, run.block + turn.state.sweeps[run.sweep].spec.repeats)
    known = (turn.state.runs.get((run.sweep, number)) for number in numbers)
    return any(other and other.block == run.block and other.state not in FINAL for other in known)


def open_again(turn: Turn, run: Run, others: Sequence[Run]) -> None:
    """Take back that a point has ended; the search hears that it is out again.

    Args:
        turn: the decision in the making.
        run: one of its runs.
        others: those of them whose ends count when it ends again; all runs of it have ended.

    Raises:
        NotInMemoryError: one of them is not as it was read any more.
    """
    sweep, index = turn.state.sweeps[run.sweep], turn.state.index[run.sweep]
    for other in others:
        check_final(turn, other)
    if others:
        ends = [remains(sweep, other, other.state) for other in others]
        turn.state.journal.put(index.blocks, run.block, ends)
    turn.rank(run.sweep, run.block, None)
    if sweep.spec.method is Method.BAYES:
        turn.observe(StudyNoted(sweep=run.sweep, number=0, run=run.block, event=StudyEvent.HANDED_OUT))


@dataclass(frozen=True, slots=True)
class Cut:
    """A point that the cap has left fewer runs than `repeats` says. `ended`: its runs, if all have ended."""

    last: Run
    ended: tuple[Run, ...]


def cut_short(turn: Turn, sweep: Sweep, read: Sequence[Run]) -> Cut | None:
    """Return the last point of a sweep, if the cap has cut it short.

    A sweep that was ended by a person or by its canary gives it no more runs.

    Args:
        turn: the decision in the making.
        sweep: the sweep, in memory.
        read: the last runs, as the database has them; missing are those that it had no reason to read yet.

    Raises:
        NotInMemoryError: they are missing, or not as they were read any more.
    """
    last, ended = sweep.counts.total, sweep.ending in (Ending.STOP, Ending.RETRIED)
    if sweep.spec.repeats == 1 or not last or ended or sweep.state in SWEEP_FINAL - {SweepState.FINISHED}:
        return None
    known = {run.number: run for run in read}
    run = turn.state.runs.get((sweep.key, last)) or known.get(last)
    if run is None:
        raise NotInMemoryError(str(sweep.name))
    if run.repeat + 1 == sweep.spec.repeats:
        return None
    if goes_on(turn, run):
        return Cut(run, ())
    runs = tuple(known[number] for number in range(run.block, last + 1) if number in known)
    if len(runs) != run.repeat + 1 or any(each.state not in FINAL for each in runs):
        raise NotInMemoryError(str(sweep.name))
    return Cut(run, runs)


def count_anew(turn: Turn, cut: Cut) -> None:
    """Let a point that was cut short count when all its runs have ended, those to come too."""
    if cut.ended:
        open_again(turn, cut.last, cut.ended)
        forget_best_of(turn, cut.last)
