"""What points under way show: the search is told before it is asked, where `impute_while_running` says so."""

from sweepd_scheduler.domain.decision import StudyEvent, StudyNoted
from sweepd_scheduler.domain.runs.block import COUNTED, aggregated
from sweepd_scheduler.domain.runs.run import LIVE
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.domain.turn import Turn


def tell_values_so_far(turn: Turn, key: int) -> None:
    """Tell the search what each point under way shows, where that is not what it was told last.

    These are observations like all others, numbered and stored: a suggestion is replayed with what it saw.
    """
    sweep, told = turn.state.sweeps[key], turn.state.index[key].told
    if sweep.spec.metric is None or sweep.spec.metric.impute_while_running is None:
        return
    for point, value in _shown(turn, sweep).items():
        if point not in told or told[point] != value:
            note = StudyNoted(sweep=key, number=0, run=point, event=StudyEvent.VALUE_SO_FAR, value=value)
            turn.observe(note)


def _shown(turn: Turn, sweep: Sweep) -> dict[int, float | None]:
    """Return the value of each point under way, by the number of its first run; None: there is none yet.

    With repeats it is the aggregate over its runs that are live, or count among those that have ended.
    """
    index = turn.state.index[sweep.key]
    values: dict[int, list[float]] = {}
    for number in sorted(index.unfinished):
        run = turn.state.runs[(sweep.key, number)]
        shown = values.setdefault(run.block, [])
        value = run.value(sweep.value_kind) if run.state in LIVE else None
        if value is not None:
            shown.append(value)
    for first, shown in values.items():
        ended = (each for each in index.blocks.get(first, ()) if each.state in COUNTED)
        shown += [each.value for each in ended if each.value is not None]
    return {first: aggregated(shown, sweep.spec.aggregate, sweep.goal) for first, shown in values.items()}
