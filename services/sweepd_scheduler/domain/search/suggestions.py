"""Answers, failures and timeouts of the search engine."""

from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import LogLine
from sweepd_scheduler.domain.events import AskDue, SuggestionsArrived, SuggestionsFailed
from sweepd_scheduler.domain.hand_out import serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.search.model_based import call_study, prefetch, with_stock
from sweepd_scheduler.domain.search.study import Suggestion

MAX_REFUSED_ANSWERS = 3


def arrived(draft: Draft, event: SuggestionsArrived) -> None:
    """Stock the suggestions that lie in the space, refuse the others, and serve waiting sessions."""
    study = draft.state.studies.get(event.sweep)
    if study is None:
        return
    good = tuple(each for each in event.suggestions if _lies_inside(draft, event.sweep, each))
    ask = study.ask
    if ask is not None and (len(good) < len(event.suggestions) or not good):
        ask = replace(ask, refused=ask.refused + 1)
    draft.put_study(event.sweep, with_stock(replace(study, ask=ask, calling=False), good))
    if event.exhausted or (ask is not None and ask.refused >= MAX_REFUSED_ANSWERS):
        _fall_back(draft, event.sweep)
    serve_sweep(draft, event.sweep)
    _ask_again(draft, event.sweep)
    if good:  # else the engine is asked again only when a hand-out waits
        prefetch(draft, event.sweep)


def failed(draft: Draft, event: SuggestionsFailed) -> None:
    """Serve waiting sessions with prefetched or random points, as the engine has failed."""
    study = draft.state.studies.get(event.sweep)
    if study is not None:
        draft.put_study(event.sweep, replace(study, calling=False))
        _fall_back(draft, event.sweep)


def due(draft: Draft, event: AskDue) -> None:
    """Serve sessions that still wait for this query with prefetched or random points."""
    study = draft.state.studies.get(event.sweep)
    if study is not None and study.ask is not None and study.ask.id == event.ask:
        _fall_back(draft, event.sweep)


def _fall_back(draft: Draft, key: int) -> None:
    study = draft.state.studies[key]
    if study.ask is None:
        return
    draft.put_study(key, replace(study, ask=replace(study.ask, due=True)))
    serve_sweep(draft, key)
    left = draft.state.studies.get(key)
    if left is not None and left.ask is not None and left.ask.due:  # no session waits any longer
        draft.put_study(key, replace(left, ask=None))


def _ask_again(draft: Draft, key: int) -> None:
    study, sweep = draft.state.studies.get(key), draft.state.sweeps.get(key)
    if study is None or sweep is None or study.ask is None:
        return
    if draft.state.index[key].with_capacity and sweep.starts_new_runs:
        call_study(draft, key, study.ask.wanted)
    else:
        draft.put_study(key, replace(study, ask=None))


def _lies_inside(draft: Draft, key: int, suggestion: Suggestion) -> bool:
    sweep = draft.state.sweeps[key]
    violations = sweep.spec.search_space.violations(suggestion.point)
    if violations:
        sentence = (
            f"{sweep.name}: refused a suggestion of {suggestion.provenance.engine}: {'; '.join(violations)}"
        )
        draft.effects.append(LogLine(f"{sentence:.500}"))
    return not violations
