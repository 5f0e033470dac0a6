"""Points from a model: a fresh suggestion, else a prefetched one, else a random point."""

from sweepd.spec.point import point_digest
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import AskStudy
from sweepd_scheduler.domain.events import AskDue
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import PointSource
from sweepd_scheduler.domain.runs.values import COUNTED, aggregated
from sweepd_scheduler.domain.search.by_index import ChosenPoint, draw_by_index, draw_initial, end_if_exhausted
from sweepd_scheduler.domain.search.study import Ask, Study, StudyEvent, Suggestion
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import LIVE_RUN

SHORTEST_WAIT = 0.25
LONGEST_WAIT = 10.0
SHARE_OF_RUN_TIME = 0.02
MAX_POINTS_PER_CALL = 64
MAX_PREFETCH = 4
MAX_STOCK = 16


def draw_suggested(draft: Draft, key: int) -> ChosenPoint | None:
    """Return the next initial point, else a suggested one; None if there is none, or none has arrived yet."""
    return draw_initial(draft, key) or _next_suggested(draft, key)


def _next_suggested(draft: Draft, key: int) -> ChosenPoint | None:
    if end_if_exhausted(draft, key):
        return None
    study = draft.state.studies[key]
    if study.ask is None:
        suggestion = _take(draft, key, draft.state.sweeps[key].observations)
        if suggestion is None:
            _ask(draft, key)
            return None
        return _drawn(draft, key, suggestion, PointSource.FRESH)
    suggestion = _take(draft, key, study.ask.observations)
    if suggestion is None and not study.ask.due:
        return None
    source = PointSource.FRESH if suggestion else PointSource.PREFETCHED
    suggestion = suggestion or _take(draft, key, 0)
    _take_from_ask(draft, key)
    return _drawn(draft, key, suggestion, source) if suggestion else _by_index(draft, key)


def fresh_wait(durations: list[float]) -> float:
    """Return the seconds that a hand-out waits for a fresh suggestion.

    `durations`: run times of ended runs in seconds, sorted.
    """
    median = durations[len(durations) // 2] if durations else 0.0
    return min(LONGEST_WAIT, max(SHORTEST_WAIT, SHARE_OF_RUN_TIME * median))


def call_study(draft: Draft, key: int, count: int) -> None:
    """Ask the search engine for `count` points, unless a call for this sweep is under way."""
    study = draft.state.studies.get(key)
    if study is not None and not study.calling:
        observe_provisional_values(draft, key)
        draft.put_study(key, replace(study, calling=True))
        draft.effects.append(AskStudy(key, count))


def prefetch(draft: Draft, key: int) -> None:
    """Ask for suggestions in advance, in case a fresh one takes too long.

    Suggestions in stock that miss only the last few observations are not replaced.
    """
    study, sweep = draft.state.studies.get(key), draft.state.sweeps.get(key)
    if study is None or sweep is None or study.ask is not None or not sweep.starts_new_runs:
        return
    slots = sum(draft.state.sessions[session].slots for session in draft.state.index[key].serving)
    wanted = min(MAX_PREFETCH, slots)
    newest = study.stock[0].provenance.study_length if study.stock else -1
    if wanted and newest < sweep.observations - 4 * wanted:
        call_study(draft, key, wanted)


def _ask(draft: Draft, key: int) -> None:
    """Ask for a fresh suggestion for each run that the sessions have room for, and begin to wait for them."""
    state, index = draft.state, draft.state.index[key]
    ask = Ask(
        id=draft.count("ask"),
        observations=state.sweeps[key].observations,
        wanted=min(MAX_POINTS_PER_CALL, sum(state.sessions[session].room for session in index.with_capacity)),
    )
    draft.put_study(key, replace(state.studies[key], ask=ask))
    draft.later(fresh_wait(index.durations), AskDue(key, ask.id))
    call_study(draft, key, ask.wanted)


def _take_from_ask(draft: Draft, key: int) -> None:
    study = draft.state.studies[key]
    ask = study.ask
    if ask is not None:
        left = replace(ask, wanted=ask.wanted - 1) if ask.wanted > 1 else None
        draft.put_study(key, replace(study, ask=left))


def _take(draft: Draft, key: int, seen: int) -> Suggestion | None:
    """Take the first stocked suggestion that is based on at least `seen` observations; None if there is none.

    Suggestions whose point was handed out meanwhile are dropped.
    """
    study, digests = draft.state.studies[key], draft.state.index[key].digests
    stock = [each for each in study.stock if point_digest(each.point) not in digests]
    taken = next((each for each in stock if each.provenance.study_length >= seen), None)
    if taken is not None:
        stock.remove(taken)
    if len(stock) != len(study.stock):
        draft.put_study(key, replace(study, stock=tuple(stock)))
    return taken


def _drawn(draft: Draft, key: int, suggestion: Suggestion, source: PointSource) -> ChosenPoint:
    provenance = replace(suggestion.provenance, source=source, seed=draft.state.sweeps[key].seed)
    return ChosenPoint(point=suggestion.point, digest=point_digest(suggestion.point), provenance=provenance)


def _by_index(draft: Draft, key: int) -> ChosenPoint | None:
    drawn = draw_by_index(draft, key)
    return drawn and replace(drawn, provenance=replace(drawn.provenance, source=PointSource.FALLBACK))


def with_stock(study: Study, suggestions: tuple[Suggestion, ...]) -> Study:
    """Return the study with new suggestions in front of its stock, which is cut to MAX_STOCK."""
    return replace(study, stock=(*suggestions, *study.stock)[:MAX_STOCK])


def observe_provisional_values(draft: Draft, key: int) -> None:
    """Add an observation of each unfinished point whose provisional value has changed since it was observed.

    These observations are numbered and stored like all others, so that a suggestion can be reproduced.
    """
    sweep, provisional = draft.state.sweeps[key], draft.state.index[key].provisional
    if sweep.spec.metric is None or sweep.spec.metric.impute_while_running is None:
        return
    for point, value in _provisional_values(draft, sweep).items():
        if point not in provisional or provisional[point] != value:
            draft.observe(key, point, StudyEvent.VALUE_SO_FAR, value=value)


def _provisional_values(draft: Draft, sweep: Sweep) -> dict[int, float | None]:
    """Return the provisional value of each unfinished point by the number of its first run; None: no value.

    With repeats it is the aggregate over the point's live runs and its ended runs that count.
    """
    index = draft.state.index[sweep.key]
    values: dict[int, list[float]] = {}
    for number in sorted(index.unfinished):
        run = draft.state.runs[(sweep.key, number)]
        shown = values.setdefault(run.block, [])
        value = run.value(sweep.value_kind) if run.state in LIVE_RUN else None
        if value is not None:
            shown.append(value)
    for first, shown in values.items():
        ended = (each for each in index.blocks.get(first, ()) if each.state in COUNTED)
        shown += [each.value for each in ended if each.value is not None]
    return {first: aggregated(shown, sweep.spec.aggregate, sweep.goal) for first, shown in values.items()}
