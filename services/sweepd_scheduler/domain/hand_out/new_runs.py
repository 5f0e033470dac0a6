"""New runs: all runs of a point at once, with consecutive numbers, as many as the cap leaves."""

from sweepd.spec import Method
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.names import RunName
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.search.by_index import Drawn
from sweepd_scheduler.domain.search.study import StudyEvent, StudyNoted
from sweepd_scheduler.domain.sweeps.sweep import Sweep


def create_block(turn: Draft, key: int, drawn: Drawn, place: int | None = None) -> list[Run]:
    """Create the runs of a point as `new_block` does, and let all of them wait."""
    runs = new_block(turn, key, drawn, place)
    for run in runs:
        turn.put_run(run)
    return runs


def new_block(turn: Draft, key: int, drawn: Drawn, place: int | None = None) -> list[Run]:
    """Return the runs of a point, each of which is still to be put; the search is told.

    Args:
        turn: the decision in the making.
        key: the sweep; its cap leaves room for one run at least.
        drawn: the point.
        place: where they wait in the queue; None: in the order of their numbers.
    """
    sweep = turn.state.sweeps[key]
    first = sweep.counts.total + 1
    occurrence = turn.state.index[key].digests.get(drawn.digest, 0)
    count = min(sweep.spec.repeats, room(sweep) or sweep.spec.repeats)
    if sweep.spec.method is Method.BAYES:
        turn.observe(StudyNoted(sweep=key, number=0, run=first, event=StudyEvent.HANDED_OUT))
    return [
        Run(
            sweep=key,
            number=first + repeat,
            name=str(RunName(sweep.name, first + repeat)),
            point=drawn.point,
            digest=drawn.digest,
            occurrence=occurrence,
            provenance=drawn.provenance,
            create_time=turn.now.wall,
            repeat=repeat,
            place=first + repeat if place is None else place,
        )
        for repeat in range(count)
    ]


def complete_block(turn: Draft, last: Run) -> None:
    """Create the runs that a point still lacks after its last one, as many as the cap leaves."""
    sweep = turn.state.sweeps[last.sweep]
    lacking = sweep.spec.repeats - last.repeat - 1
    left = room(sweep)
    for more in range(1, 1 + (lacking if left is None else min(lacking, left))):
        number = last.number + more
        run = Run(
            sweep=last.sweep,
            number=number,
            name=str(RunName(sweep.name, number)),
            point=last.point,
            digest=last.digest,
            occurrence=last.occurrence,
            provenance=last.provenance,
            create_time=turn.now.wall,
            repeat=last.repeat + more,
            place=number,
        )
        turn.put_run(run)
        turn.note("run-added", run)


def room(sweep: Sweep) -> int | None:
    """Return how many runs the cap leaves; None without a cap."""
    return None if sweep.spec.run_cap is None else max(0, sweep.spec.run_cap - sweep.counts.total)
