"""Effect of a run's values on its own objective state, on its sweep, and on early termination."""

from collections.abc import Iterable
from math import isfinite

from sweepd.spec.stop_rules import Asha, Hyperband, Median, Patience, StopRule, Threshold
from sweepd_scheduler.domain.agents.commands import stop
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.early_termination import (
    Contender,
    Rung,
    Verdict,
    behind_threshold,
    is_rung,
    judge_asha,
    judge_hyperband,
    judge_median,
    judge_patience,
    judge_threshold,
    patience_after,
    verdict_sentence,
)
from sweepd_scheduler.domain.runs.results import value_logged
from sweepd_scheduler.domain.runs.run import Run, StopMode
from sweepd_scheduler.domain.search.study import StudyEvent
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import RunState


def count_values(draft: Draft, run: Run, last_row: int, values: Iterable[float]) -> None:
    """Count new objective values of a run in order, and apply the early-termination rules to them.

    Values that are not finite do not count. Without an objective, no values count.

    Args:
        draft: the draft of the decision.
        run: the run before the change.
        last_row: number of the last row that was reported with these values.
        values: objective values in its new rows.
    """
    sweep = draft.state.sweeps[run.sweep]
    for value in values if sweep.spec.metric else ():
        if not isfinite(value):
            run = replace(run, observation_row=last_row, values=replace(run.values, logged=True))
            continue
        seen = run.values.with_value(value, sweep.goal)
        run = replace(run, observation_row=last_row, values=seen)
        if sweep.spec.early_terminate:
            run = _judge_newest_iteration(draft, sweep, run, value)
        value_logged(draft, run, value)
    draft.put_run(run if run.observation_row == last_row else replace(run, observation_row=last_row))


def _judge_newest_iteration(draft: Draft, sweep: Sweep, run: Run, value: float) -> Run:
    """Judge the newest iteration of a run by every rule, in order; return the run.

    The first verdict stops the run. The other rules still record the value, to compare later runs with it.
    """
    rules = sweep.spec.early_terminate
    iteration = run.values.iterations
    if any(isinstance(rule, Patience) for rule in rules):
        run = _with_patience_states(run, rules, sweep, value)
    # With repeats, the search observes only points whose runs have all ended.
    reached = any(isinstance(rule, Hyperband | Asha) and is_rung(rule, iteration) for rule in rules)
    if reached and sweep.spec.repeats == 1:
        draft.observe(run.sweep, run.number, StudyEvent.RUNG_REACHED, value=value, iterations=iteration)
    for number, rule in enumerate(rules):
        if isinstance(rule, Hyperband):
            if is_rung(rule, iteration):
                rung = draft.put_rung(run, number, iteration, value)
                draft.put_run(run)
                _judge_all(draft, sweep, (number, iteration), rule, rung)
                run = draft.state.runs[run.key]
            continue
        verdict = _verdict(draft, sweep, run, number, rule, value)
        if verdict is not None and run.stop is None:
            run = _stop(draft, run, rule, verdict)
    return run


def _with_patience_states(run: Run, rules: tuple[StopRule, ...], sweep: Sweep, value: float) -> Run:
    before = run.stopping or (None,) * len(rules)
    iteration = run.values.iterations
    after = (
        patience_after(rule, sweep.goal, state, iteration, value) if isinstance(rule, Patience) else None
        for rule, state in zip(rules, before, strict=True)
    )
    return replace(run, stopping=tuple(after))


def _verdict(
    draft: Draft, sweep: Sweep, run: Run, number: int, rule: StopRule, value: float
) -> Verdict | None:
    """Return the verdict of a rule that judges only this run; None if the run may continue."""
    goal, iteration, now = sweep.goal, run.values.iterations, draft.now.wall
    best = run.values.best
    assert best is not None
    match rule:
        case Asha() if is_rung(rule, iteration):
            rung = draft.put_rung(run, number, iteration, value)
            return judge_asha(rule, goal, iteration, rung, run.number, now)
        case Median() if is_rung(rule, iteration):
            rung = draft.put_rung(run, number, iteration, best)
            return judge_median(rule, goal, iteration, rung, run.number, now)
        case Patience():
            state = run.stopping[number]
            assert state is not None
            return judge_patience(rule, goal, state, iteration, best, now)
        case Threshold():
            return judge_threshold(rule, goal, iteration, value, now)
        case _:
            return None


def _judge_all(draft: Draft, sweep: Sweep, key: tuple[int, int], rule: Hyperband, rung: Rung) -> None:
    """Judge every running run whose latest rung this is, including the one that has just reached it."""
    at_rung = draft.state.index[sweep.key].at_rung[key]
    running = [draft.state.runs[sweep.key, each] for each in behind_threshold(rule, rung, at_rung)]
    contenders = [
        Contender(number=each.number, best=each.values.best)
        for each in running
        if each.stop is None and each.values.best is not None
    ]
    against = judge_hyperband(rule, sweep.goal, key[1], rung, contenders, draft.now.wall)
    for run_number, verdict in against.items():
        _stop(draft, draft.state.runs[(sweep.key, run_number)], rule, verdict)


def _stop(draft: Draft, run: Run, rule: StopRule, verdict: Verdict) -> Run:
    assert run.state is RunState.RUNNING
    reason = verdict_sentence(verdict, rule)
    draft.record("run-stop-decided", run, reason=reason)
    return stop(draft, replace(run, verdicts=(*run.verdicts, verdict)), StopMode.TERMINATE, reason)
