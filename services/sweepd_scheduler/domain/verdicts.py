"""What the values of a run change: its own figures, the sweep's best and target, and who is stopped early."""

from collections.abc import Iterable
from dataclasses import replace
from math import isfinite

from sweepd.spec import Method
from sweepd_scheduler.domain.decision import StudyEvent, StudyNoted
from sweepd_scheduler.domain.early_termination import Contender, Rung, Verdict
from sweepd_scheduler.domain.holding import tell_stop
from sweepd_scheduler.domain.objective import better, reaches_target
from sweepd_scheduler.domain.ranking import Best
from sweepd_scheduler.domain.rule_hyperband import judge
from sweepd_scheduler.domain.run import Run, RunState, Stop, StopMode
from sweepd_scheduler.domain.sweep import FINAL, Ending, Sweep, ending
from sweepd_scheduler.domain.turn import Turn


def take(turn: Turn, run: Run, values: Iterable[float]) -> None:
    """Count the values of the objective that a run has logged, in order; non-finite ones never count.

    A sweep without an objective asked for none, so what comes anyway means nothing.
    """
    for value in values if turn.state.sweeps[run.sweep].spec.metric else ():
        if not isfinite(value):
            run = replace(run, values=replace(run.values, logged=True))
            continue
        sweep = turn.state.sweeps[run.sweep]
        run = replace(run, values=run.values.with_value(value, sweep.goal))
        if run.values.iterations in sweep.rungs:
            run = _reach_rung(turn, run, value)
        _tell_sweep(turn, run, value)
    turn.put_run(run)


def forget_best_of(turn: Turn, run: Run) -> None:
    """Find the best value of a sweep anew if an earlier attempt of this run had it, as it starts over."""
    sweep = turn.state.sweeps[run.sweep]
    if sweep.best is None or sweep.best.run != run.number:
        return
    index = turn.state.index[run.sweep]
    best = index.ended.best
    for number in sorted(index.unfinished):
        value = turn.state.runs[(run.sweep, number)].values.best
        if value is not None and better(value, best.value if best else None, sweep.goal):
            best = Best(run=number, value=value)
    turn.put_sweep(replace(sweep, best=best))


def _tell_sweep(turn: Turn, run: Run, value: float) -> None:
    before = sweep = turn.state.sweeps[run.sweep]
    metric = sweep.spec.metric
    if metric is None:
        return
    if not sweep.objective_seen or sweep.objective_missing is not None:
        sweep = replace(sweep, objective_seen=True, objective_missing=None)
    if better(value, sweep.best.value if sweep.best else None, metric.goal):
        sweep = replace(sweep, best=Best(run=run.number, value=value))
    if sweep.ending is None and sweep.state not in FINAL and reaches_target(metric, value):
        sweep = ending(sweep, Ending.TARGET)
        turn.note("sweep-ending", run, ending=Ending.TARGET)
    if sweep is not before:
        turn.put_sweep(sweep)


def _reach_rung(turn: Turn, run: Run, value: float) -> Run:
    """Put the value at its rung and judge all whose latest rung it is, this run included; return the run."""
    sweep = turn.state.sweeps[run.sweep]
    number = run.values.iterations
    rung = turn.put_rung(run, 0, number, value)
    turn.put_run(run)
    if sweep.spec.method is Method.BAYES:
        turn.observe(
            StudyNoted(
                sweep=run.sweep,
                number=0,
                run=run.number,
                event=StudyEvent.RUNG_REACHED,
                iterations=number,
                value=value,
            )
        )
    _judge(turn, sweep, number, rung)
    return turn.state.runs[run.key]


def _judge(turn: Turn, sweep: Sweep, number: int, rung: Rung) -> None:
    rule = sweep.hyperband
    assert rule is not None
    running = [
        turn.state.runs[(sweep.key, each)] for each in turn.state.index[sweep.key].at_rung[(0, number)]
    ]
    contenders = [
        Contender(number=each.number, best=each.values.best)
        for each in running
        if each.stop is None and each.values.best is not None
    ]
    against = judge(rule, sweep.goal, number, rung, contenders, turn.now.wall)
    for run_number, verdict in against.items():
        _stop(turn, turn.state.runs[(sweep.key, run_number)], verdict)


def _stop(turn: Turn, run: Run, verdict: Verdict) -> None:
    assert run.state is RunState.RUNNING
    reason = (
        f"{verdict.rule}: {verdict.value:.6g} at iteration {verdict.rung} is worse than "
        f"{verdict.threshold:.6g}; rank {verdict.rank} of {verdict.compared}"
    )
    doomed = replace(
        run, stop=Stop(mode=StopMode.TERMINATE, reason=reason), verdicts=(*run.verdicts, verdict)
    )
    turn.put_run(doomed)
    turn.note("run-stop-decided", doomed, reason=reason)
    tell_stop(turn, doomed)
