"""How a sweep that is over goes on: it is read from the database into memory again, and reopened."""

from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.handing_out.eligibility import tell_serving
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests import NotInMemoryError
from sweepd_scheduler.domain.runs.run import FINAL, Run
from sweepd_scheduler.domain.stored import Stored
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, SweepState, reopened
from sweepd_scheduler.domain.sweeps.timeout import start_timer
from sweepd_scheduler.domain.turn import Turn


def state_of(turn: Turn, name: SweepName) -> SweepState:
    """Return where a sweep stands, whether it is in memory or not.

    Raises:
        NotFoundError: there is no such sweep.
    """
    key = turn.state.names.get(name)
    if key is None:
        raise NotFoundError(str(name))
    over = turn.state.ended.get(key)
    return over.state if over is not None else turn.state.sweeps[key].state


def in_memory(turn: Turn, name: SweepName, stored: Stored | None) -> Sweep:
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


def reopen(turn: Turn, key: int, by: str, ending: Ending | None) -> None:
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


def take_back(turn: Turn, run: Run) -> None:
    """Bring a final run into memory, as it was read, so that it can change.

    Raises:
        NotInMemoryError: it is not as it was read any more.
    """
    check_final(turn, run)
    turn.take_run(run)


def check_final(turn: Turn, run: Run) -> None:
    """Make sure that a run is final, and still as it was read.

    Raises:
        NotInMemoryError: it is not.
    """
    again = turn.state.index[run.sweep].again
    if run.state not in FINAL or again.get(run.number, (run.state, run.attempt)) != (run.state, run.attempt):
        raise NotInMemoryError(run.name)
