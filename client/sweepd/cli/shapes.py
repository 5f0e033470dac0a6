"""The JSON of `sweepctl`: sweeps, runs, agents and points as scripts see them, see docs/command-line.md."""

from typing import TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.calls.states import run_state, sweep_state
from sweepd.cli.details_shapes import details_shape
from sweepd.cli.metric_shapes import real
from sweepd.cli.spec_shapes import Shape, spec_shape, word
from sweepd.codec import point_from_message
from sweepd.spec.point import Json
from sweepd.states import RUN_STATES

_Timed: TypeAlias = v1.Sweep | v1.Run | v1.Attempt | v1.Agent | v1.Verdict | v1.RunEvent | v1.Project


def sweep_shape(sweep: v1.Sweep) -> Shape:
    """Return a sweep."""
    spec = sweep.spec
    return {
        "name": sweep.name,
        "id": sweep.name.rpartition("/")[2],
        "displayName": spec.name or None,
        "description": spec.description or None,
        "state": sweep_state(sweep),
        "ending": word(v1.SweepEnding.Name(sweep.ending), "SWEEP_ENDING_") if sweep.ending else None,
        "reason": sweep.reason or None,
        "pausedByItself": sweep.paused_by_itself,
        "pauseCause": _pause_cause(sweep),
        "revision": sweep.revision,
        **spec_shape(spec),
        "plannedRuns": sweep.planned_runs if sweep.HasField("planned_runs") else None,
        "runs": _run_counts(sweep.run_counts),
        "best": _best(sweep),
        "objectiveMissing": _objective_missing(sweep),
        "connectedAgents": sweep.connected_agents,
        "guardedAgents": list(sweep.guarded_agents),
        "priorRuns": sweep.prior_runs,
        "createTime": _time(sweep, "create_time"),
        "startTime": _time(sweep, "start_time"),
        "endTime": _time(sweep, "end_time"),
    }


def _pause_cause(sweep: v1.Sweep) -> Json:
    return word(v1.PauseCause.Name(sweep.pause_cause), "PAUSE_CAUSE_") if sweep.pause_cause else None


def run_shape(run: v1.Run) -> Shape:
    """Return a run with all of its attempts."""
    return {
        "run": run.name,
        "sweep": run.sweep or None,
        "displayName": run.display_name or None,
        "tags": list(run.tags),
        "number": run.number,
        "repeat": run.repeat,
        "state": run_state(run),
        "reason": run.reason or None,
        "attempt": run.attempt,
        "params": params_shape(run),
        "value": real(run.value) if run.HasField("value") else None,
        "bestValue": real(run.best_value) if run.HasField("best_value") else None,
        "lastValue": real(run.last_value) if run.HasField("last_value") else None,
        "iterations": run.iterations,
        "attempts": [attempt_shape(attempt) for attempt in run.attempts],
        "provenance": _provenance(run.provenance) if run.HasField("provenance") else None,
        "verdicts": [_verdict(verdict) for verdict in run.verdicts],
        "loggedKeys": list(run.logged_keys),
        "details": details_shape(run.details) if run.HasField("details") else None,
        "createTime": _time(run, "create_time"),
        "startTime": _time(run, "start_time"),
        "endTime": _time(run, "end_time"),
    }


def prior_run_shape(prior: v1.PriorRun) -> Shape:
    """Return a run that a sweep began with."""
    return {
        "prior": prior.index,
        "run": prior.run,
        "state": run_state(prior),
        "params": dict(point_from_message(prior.parameters)) if prior.HasField("parameters") else {},
        "value": real(prior.value) if prior.HasField("value") else None,
        "bestValue": real(prior.best_value) if prior.HasField("best_value") else None,
        "lastValue": real(prior.last_value) if prior.HasField("last_value") else None,
        "iterations": prior.iterations,
    }


def params_shape(run: v1.Run) -> Shape:
    """Return the point of a run as plain JSON."""
    return dict(point_from_message(run.parameters)) if run.HasField("parameters") else {}


def attempt_shape(attempt: v1.Attempt) -> Shape:
    """Return one hand-out."""
    return {
        "attempt": attempt.number,
        "agent": attempt.agent,
        "host": attempt.host or None,
        "state": word(v1.AttemptState.Name(attempt.state), "ATTEMPT_STATE_"),
        "reason": attempt.reason or None,
        "exit": _exit(attempt.exit) if attempt.HasField("exit") else None,
        "argv": list(attempt.argv),
        "resumedFromStep": attempt.resumed_from_step if attempt.HasField("resumed_from_step") else None,
        "storage": attempt.storage or None,
        "logBytes": attempt.log_bytes if attempt.HasField("log_bytes") else None,
        "assignTime": _time(attempt, "assign_time"),
        "startTime": _time(attempt, "start_time"),
        "endTime": _time(attempt, "end_time"),
    }


def project_shape(project: v1.Project) -> Shape:
    """Return a project."""
    return {
        "project": project.name,
        "sweeps": project.sweeps,
        "runs": project.runs,
        "createTime": _time(project, "create_time"),
    }


def agent_shape(agent: v1.Agent) -> Shape:
    """Return an agent."""
    labels: Shape = dict(agent.labels)
    return {
        "agent": agent.id,
        "host": agent.host,
        "pid": agent.pid,
        "version": agent.version,
        "state": "draining" if agent.draining else "connected" if agent.connected else "away",
        "slots": agent.slots,
        "runs": list(agent.runs),
        "sweeps": list(agent.sweeps),
        "labels": labels,
        "quarantines": [
            {
                "sweep": each.sweep,
                "cause": word(v1.QuarantineCause.Name(each.cause), "QUARANTINE_CAUSE_"),
                "reason": each.reason,
            }
            for each in agent.quarantines
        ],
        "lastSeenTime": _time(agent, "last_seen_time"),
    }


def event_shape(event: v1.RunEvent) -> Shape:
    """Return a line of the record of a run."""
    return {
        "time": _time(event, "time"),
        "kind": event.kind,
        "attempt": event.attempt or None,
        "detail": event.detail or None,
    }


def obstacle_shape(obstacle: v1.Obstacle) -> Shape:
    """Return what keeps runs from being handed out."""
    return {
        "kind": word(v1.ObstacleKind.Name(obstacle.kind), "OBSTACLE_KIND_"),
        "message": obstacle.message,
    }


def _time(message: _Timed, field: str) -> str | None:
    stamp: object = getattr(message, field)
    if not isinstance(stamp, Timestamp) or not (stamp.seconds or stamp.nanos):
        return None
    return stamp.ToJsonString()


def _run_counts(counts: v1.RunCounts) -> Shape:
    return {state: _count(counts, state) for state in RUN_STATES}


def _count(counts: v1.RunCounts, state: str) -> int:
    number: object = getattr(counts, state)
    assert isinstance(number, int)
    return number


def _best(sweep: v1.Sweep) -> Json:
    if not sweep.best_run or not sweep.HasField("best_value"):
        return None
    return {"run": sweep.best_run, "value": real(sweep.best_value)}


def _objective_missing(sweep: v1.Sweep) -> Json:
    if not sweep.HasField("objective_missing"):
        return None
    missing = sweep.objective_missing
    return {"consecutiveRuns": missing.consecutive_runs, "loggedKeys": list(missing.logged_keys)}


def _exit(exit_: v1.Exit) -> Shape:
    return {
        "cause": word(v1.ExitCause.Name(exit_.cause), "EXIT_CAUSE_"),
        "code": exit_.code if exit_.HasField("code") else None,
        "signal": exit_.signal if exit_.HasField("signal") else None,
        "message": exit_.message or None,
    }


def _provenance(origin: v1.Provenance) -> Shape:
    return {
        "source": word(v1.PointSource.Name(origin.source), "POINT_SOURCE_"),
        "index": origin.index,
        "observationsSeen": origin.observations_seen,
        "studyLength": origin.study_length,
        "engine": origin.engine or None,
        "seed": origin.seed,
        "predictedValue": real(origin.predicted_value) if origin.HasField("predicted_value") else None,
        "predictedDeviation": real(origin.predicted_deviation)
        if origin.HasField("predicted_deviation")
        else None,
        "expectedImprovement": real(origin.expected_improvement)
        if origin.HasField("expected_improvement")
        else None,
    }


def _verdict(verdict: v1.Verdict) -> Shape:
    return {
        "rule": verdict.rule,
        "rung": verdict.rung,
        "value": real(verdict.value),
        "threshold": real(verdict.threshold),
        "rank": verdict.rank,
        "compared": verdict.compared,
        "priorCompared": verdict.prior_compared,
        "decideTime": _time(verdict, "decide_time"),
    }
