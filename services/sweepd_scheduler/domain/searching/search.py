"""The next point of a sweep by index, and the end of the search when there is none left."""

from sweepd_scheduler.domain.events import SearchDue
from sweepd_scheduler.domain.runs.run_end import settle
from sweepd_scheduler.domain.searching.points import Drawn, anything_left, next_by_index, next_of_initial
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, ending
from sweepd_scheduler.domain.turn import Turn

IDLE_WAIT = 1.0


def draw_by_index(turn: Turn, key: int) -> Drawn | None:
    """Return the next point; None when there is none, which ends the search, or none yet."""
    index = turn.state.index[key]
    if index.searching:
        return None
    sweep, drawn, done = next_by_index(turn.state.sweeps[key], index.digests, index.size)
    _put(turn, sweep)
    if done:
        end_search(turn, key, Ending.GRID)
    elif drawn is None:
        _search_on(turn, key)
    return drawn


def draw_initial(turn: Turn, key: int) -> Drawn | None:
    """Return the next initial point; None when there is none."""
    sweep, drawn = next_of_initial(turn.state.sweeps[key], turn.state.index[key].digests)
    _put(turn, sweep)
    return drawn


def end_if_over(turn: Turn, key: int) -> bool:
    """End the search in the turn of its last hand-out, so that `ending` shows at once; tell if it is over."""
    sweep, index = turn.state.sweeps[key], turn.state.index[key]
    if not sweep.starts_new_runs:
        return True
    if sweep.spec.run_cap is not None and sweep.counts.total >= sweep.spec.run_cap:
        end_search(turn, key, Ending.CAP)
        return True
    if index.searching:
        return False
    moved, left = anything_left(sweep, index.digests, index.size)
    _put(turn, moved)
    if left is False:
        end_search(turn, key, Ending.GRID)
    elif left is None:
        _search_on(turn, key)
    return left is False


def end_search(turn: Turn, key: int, why: Ending) -> None:
    """Start no new runs from here on."""
    sweep = ending(turn.state.sweeps[key], why)
    turn.put_sweep(sweep)
    turn.note("sweep-ending", sweep=sweep, ending=why)
    settle(turn, key)


def begin_again(turn: Turn, event: SearchDue) -> None:
    """Let the search go on that was broken off."""
    if event.sweep in turn.state.index:
        turn.put_searching(event.sweep, searching=False)


def _search_on(turn: Turn, key: int) -> None:
    """Come back at once if somebody waits for a point, else before long."""
    turn.put_searching(key, searching=True)
    turn.later(0.0 if turn.state.index[key].roomy else IDLE_WAIT, SearchDue(key))


def _put(turn: Turn, sweep: Sweep) -> None:
    if sweep is not turn.state.sweeps[sweep.key]:
        turn.put_sweep(sweep)
