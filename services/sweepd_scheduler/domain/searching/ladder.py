"""Which point a model-based hand-out gets: a fresh suggestion, else a kept one, else a random one."""

from sweepd.spec import point_digest
from sweepd_scheduler.domain.decision import AskStudy
from sweepd_scheduler.domain.events import AskDue, Suggested
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import PointSource, Provenance
from sweepd_scheduler.domain.searching.points import Drawn
from sweepd_scheduler.domain.searching.search import draw_by_index, end_if_over
from sweepd_scheduler.domain.searching.study import Ask, Study
from sweepd_scheduler.domain.searching.under_way import tell_values_so_far
from sweepd_scheduler.domain.turn import Turn

SHORTEST_WAIT = 0.25
LONGEST_WAIT = 10.0
SHARE_OF_RUN_TIME = 0.02
MAX_POINTS_A_CALL = 64
MAX_PREFETCH = 4
MAX_STOCK = 16


def next_suggested(turn: Turn, key: int) -> Drawn | None:
    """Return the point for one hand-out; None if all were seen, or if a fresh one is still awaited."""
    if end_if_over(turn, key):
        return None
    study = turn.state.studies[key]
    if study.ask is None:
        suggestion = _take(turn, key, turn.state.sweeps[key].observations)
        if suggestion is None:
            _ask(turn, key)
            return None
        return _drawn(turn, key, suggestion, PointSource.FRESH)
    suggestion = _take(turn, key, study.ask.observations)
    if suggestion is None and not study.ask.due:
        return None
    source = PointSource.FRESH if suggestion else PointSource.PREFETCHED
    suggestion = suggestion or _take(turn, key, 0)
    _one_less(turn, key)
    return _drawn(turn, key, suggestion, source) if suggestion else _by_index(turn, key)


def patience(durations: list[float]) -> float:
    """Return how long a hand-out waits for a fresh suggestion in seconds, given the sorted run times."""
    median = durations[len(durations) // 2] if durations else 0.0
    return min(LONGEST_WAIT, max(SHORTEST_WAIT, SHARE_OF_RUN_TIME * median))


def call_study(turn: Turn, key: int, count: int) -> None:
    """Ask the suggestion service, one call at a time for each sweep."""
    study = turn.state.studies.get(key)
    if study is not None and not study.calling:
        tell_values_so_far(turn, key)
        turn.put_study(key, replace(study, calling=True))
        turn.effects.append(AskStudy(key, count))


def top_up(turn: Turn, key: int) -> None:
    """Have suggestions at hand for when a fresh one takes too long; those in stock may be a few runs old."""
    study, sweep = turn.state.studies.get(key), turn.state.sweeps.get(key)
    if study is None or sweep is None or study.ask is not None or not sweep.starts_new_runs:
        return
    slots = sum(turn.state.sessions[session].slots for session in turn.state.index[key].serving)
    wanted = min(MAX_PREFETCH, slots)
    newest = study.stock[0].study_length if study.stock else -1
    if wanted and newest < sweep.observations - 4 * wanted:
        call_study(turn, key, wanted)


def _ask(turn: Turn, key: int) -> None:
    """Begin to wait for fresh suggestions, one for each run that the sessions have room for."""
    state, index = turn.state, turn.state.index[key]
    ask = Ask(
        id=turn.count("ask"),
        observations=state.sweeps[key].observations,
        wanted=min(MAX_POINTS_A_CALL, sum(state.sessions[session].room for session in index.roomy)),
    )
    turn.put_study(key, replace(state.studies[key], ask=ask))
    turn.later(patience(index.durations), AskDue(key, ask.id))
    call_study(turn, key, ask.wanted)


def _one_less(turn: Turn, key: int) -> None:
    study = turn.state.studies[key]
    ask = study.ask
    if ask is not None:
        left = replace(ask, wanted=ask.wanted - 1) if ask.wanted > 1 else None
        turn.put_study(key, replace(study, ask=left))


def _take(turn: Turn, key: int, seen: int) -> Suggested | None:
    """Take the first suggestion out of the stock that saw enough; drop those whose point was used."""
    study, digests = turn.state.studies[key], turn.state.index[key].digests
    stock = [each for each in study.stock if point_digest(each.point) not in digests]
    taken = next((each for each in stock if each.study_length >= seen), None)
    if taken is not None:
        stock.remove(taken)
    if len(stock) != len(study.stock):
        turn.put_study(key, replace(study, stock=tuple(stock)))
    return taken


def _drawn(turn: Turn, key: int, suggestion: Suggested, source: PointSource) -> Drawn:
    provenance = Provenance(
        source=source,
        seed=turn.state.sweeps[key].seed,
        index=suggestion.run_number,
        observations_seen=suggestion.observations_seen,
        study_length=suggestion.study_length,
        engine=suggestion.engine,
        predicted_value=suggestion.predicted_value,
        predicted_deviation=suggestion.predicted_deviation,
        expected_improvement=suggestion.expected_improvement,
    )
    return Drawn(point=suggestion.point, digest=point_digest(suggestion.point), provenance=provenance)


def _by_index(turn: Turn, key: int) -> Drawn | None:
    drawn = draw_by_index(turn, key)
    return drawn and replace(drawn, provenance=replace(drawn.provenance, source=PointSource.FALLBACK))


def stocked(study: Study, suggestions: tuple[Suggested, ...]) -> Study:
    """Return the study with new suggestions in stock, the newest answer first."""
    return replace(study, stock=(*suggestions, *study.stock)[:MAX_STOCK])
