"""What follows when the suggestion service answers, fails, or takes too long."""

from sweepd_scheduler.domain.decision import LogLine
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import AskDue, SuggestionsArrived, SuggestionsFailed
from sweepd_scheduler.domain.hand_out.hand_out import serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.search.model_based import call_study, stocked, top_up
from sweepd_scheduler.domain.search.study import Suggested

MAX_REFUSED_ANSWERS = 3


def arrived(turn: Draft, event: SuggestionsArrived) -> None:
    """Keep what lies in the space, refuse the rest, and serve those who wait."""
    study = turn.state.studies.get(event.sweep)
    if study is None:
        return
    good = tuple(each for each in event.suggestions if _lies_inside(turn, event.sweep, each))
    ask = study.ask
    if ask is not None and (len(good) < len(event.suggestions) or not good):
        ask = replace(ask, refused=ask.refused + 1)
    turn.put_study(event.sweep, stocked(replace(study, ask=ask, calling=False), good))
    if event.exhausted or (ask is not None and ask.refused >= MAX_REFUSED_ANSWERS):
        _go_down(turn, event.sweep)
    serve_sweep(turn, event.sweep)
    _ask_again(turn, event.sweep)
    if good:  # whoever answered nothing that is good is not asked again before somebody waits
        top_up(turn, event.sweep)


def failed(turn: Draft, event: SuggestionsFailed) -> None:
    """Go down the ladder at once: waiting would not help."""
    study = turn.state.studies.get(event.sweep)
    if study is not None:
        turn.put_study(event.sweep, replace(study, calling=False))
        _go_down(turn, event.sweep)


def due(turn: Draft, event: AskDue) -> None:
    """Go down the ladder if the same question still waits."""
    study = turn.state.studies.get(event.sweep)
    if study is not None and study.ask is not None and study.ask.id == event.ask:
        _go_down(turn, event.sweep)


def _go_down(turn: Draft, key: int) -> None:
    study = turn.state.studies[key]
    if study.ask is None:
        return
    turn.put_study(key, replace(study, ask=replace(study.ask, due=True)))
    serve_sweep(turn, key)
    left = turn.state.studies.get(key)
    if left is not None and left.ask is not None and left.ask.due:  # whoever waited is gone
        turn.put_study(key, replace(left, ask=None))


def _ask_again(turn: Draft, key: int) -> None:
    study, sweep = turn.state.studies.get(key), turn.state.sweeps.get(key)
    if study is None or sweep is None or study.ask is None:
        return
    if turn.state.index[key].roomy and sweep.starts_new_runs:
        call_study(turn, key, study.ask.wanted)
    else:
        turn.put_study(key, replace(study, ask=None))


def _lies_inside(turn: Draft, key: int, suggestion: Suggested) -> bool:
    sweep = turn.state.sweeps[key]
    violations = sweep.spec.search_space.violations(suggestion.point)
    if violations:
        told = f"{sweep.name}: refused a suggestion of {suggestion.engine}: {'; '.join(violations)}"
        turn.effects.append(LogLine(f"{told:.500}"))
    return not violations
