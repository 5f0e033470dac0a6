"""Reopening of what has ended: sweeps come back into memory, points and runs go on."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.hand_out.eligibility import tell_serving
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import NotInMemoryError
from sweepd_scheduler.domain.runs.results import forget_best_of, remains
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.runs.run_end import start_timer
from sweepd_scheduler.domain.search.study import StudyEvent
from sweepd_scheduler.domain.states import FINAL_RUN, FINAL_SWEEP, SweepState
from sweepd_scheduler.domain.stored import Stored
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, reopened


def state_of(turn: Draft, name: SweepName) -> SweepState:
    """Return where a sweep stands, whether it is in memory or not.

    Raises:
        NotFoundError: there is no such sweep.
    """
    key = turn.state.names.get(name)
    if key is None:
        raise NotFoundError(str(name))
    over = turn.state.ended.get(key)
    return over.state if over is not None else turn.state.sweeps[key].state


def in_memory(turn: Draft, name: SweepName, stored: Stored | None) -> Sweep:
    """Return a sweep that is in memory from here on; it stays in its state.

    Raises:
        NotFoundError: there is no such sweep.
        NotInMemoryError: it is over, and what was read of it is missing or no longer true.
    """
    key = turn.state.names.get(name)
    if key is None:
        raise NotFoundError(str(name))
    over = turn.state.ended.get(key)
    if over is None:
        return turn.state.sweeps[key]
    if stored is None or stored.sweep.key != key or not over.still_is(stored.sweep):
        raise NotInMemoryError(str(name), whole=True)
    turn.take_sweep(stored)
    tell_serving(turn, key)
    return stored.sweep


def reopen(turn: Draft, key: int, by: str, ending: Ending | None) -> None:
    """Let a sweep go on that is final or comes to its end.

    Args:
        turn: the decision in the making.
        key: the sweep.
        by: the verb, for the record.
        ending: why it starts no new runs all the same; None if it does.
    """
    before = turn.state.sweeps[key]
    sweep = reopened(before, ending, turn.now.wall)
    if sweep.state is not before.state:
        turn.note("sweep-reopened", sweep=sweep, by=by, before=before.state)
    turn.put_sweep(sweep)
    if sweep.state is not before.state:
        start_timer(turn, sweep)


def take_back(turn: Draft, run: Run) -> None:
    """Bring a final run into memory, as it was read, so that it can change.

    Raises:
        NotInMemoryError: it is not as it was read any more.
    """
    check_final(turn, run)
    turn.take_run(run)


def check_final(turn: Draft, run: Run) -> None:
    """Make sure that a run is final, and still as it was read.

    Raises:
        NotInMemoryError: it is not.
    """
    again = turn.state.index[run.sweep].again
    if run.state not in FINAL_RUN or again.get(run.number, (run.state, run.attempt)) != (
        run.state,
        run.attempt,
    ):
        raise NotInMemoryError(run.name)


def goes_on(turn: Draft, run: Run) -> bool:
    """Tell whether any run of the point of a run is not final."""
    numbers = range(run.block, run.block + turn.state.sweeps[run.sweep].spec.repeats)
    known = (turn.state.runs.get((run.sweep, number)) for number in numbers)
    return any(other and other.block == run.block and other.state not in FINAL_RUN for other in known)


def open_again(turn: Draft, run: Run, others: Sequence[Run]) -> None:
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
    turn.observe(run.sweep, run.block, StudyEvent.HANDED_OUT)


@dataclass(frozen=True, slots=True)
class Cut:
    """A point that the cap has left fewer runs than `repeats` says. `ended`: its runs, if all have ended."""

    last: Run
    ended: tuple[Run, ...]


def cut_short(turn: Draft, sweep: Sweep, read: Sequence[Run]) -> Cut | None:
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
    if sweep.spec.repeats == 1 or not last or ended or sweep.state in FINAL_SWEEP - {SweepState.FINISHED}:
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
    if len(runs) != run.repeat + 1 or any(each.state not in FINAL_RUN for each in runs):
        raise NotInMemoryError(str(sweep.name))
    return Cut(run, runs)


def count_anew(turn: Draft, cut: Cut) -> None:
    """Let a point that was cut short count when all its runs have ended, those to come too."""
    if cut.ended:
        open_again(turn, cut.last, cut.ended)
        forget_best_of(turn, cut.last)
