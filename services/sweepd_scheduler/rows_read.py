"""Rows as sweeps, runs and attempts again."""

import json
from collections.abc import Iterable
from functools import lru_cache
from sqlite3 import Row
from typing import Any

from sweepd.metrics_file import MAX_KEY_LENGTH
from sweepd.spec import SweepSpec, parse_mapping
from sweepd_kernel.rpc.limits import ARGV, TOO_LONG, fits
from sweepd_scheduler.domain.agents.agent import Guarded, QuarantineCause
from sweepd_scheduler.domain.early_termination.judging import PatienceState, Verdict
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.runs.run import (
    Attempt,
    Checkpoint,
    Exit,
    ExitCause,
    PointSource,
    Provenance,
    Run,
    Stop,
    StopMode,
)
from sweepd_scheduler.domain.runs.values import Best, ObjectiveMissing, Values
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.states import AttemptState, RunState, SweepState
from sweepd_scheduler.domain.sweeps.sweep import Counts, Ending, PauseCause, SourceFile, Sweep
from sweepd_scheduler.rows import COUNT_COLUMNS


def sweep_name(row: Row) -> SweepName:
    """Return the name in a row of a sweep."""
    return SweepName(Parent(row["entity"], row["project"]), row["sweep"])


def sweep(row: Row) -> Sweep:
    """Return the sweep of a row; without its file where the row lacks those columns."""
    file = None
    if "file_content" in row.keys() and row["file_content"] is not None:  # noqa: SIM118 (a Row is no mapping)
        file = SourceFile(name=row["file_name"], content=row["file_content"])
    missing = None
    if row["missing_runs"]:
        keys = _keys(row["missing_keys"])
        missing = ObjectiveMissing(consecutive_runs=row["missing_runs"], logged_keys=keys)
    return Sweep(
        key=row["id"],
        name=sweep_name(row),
        spec=_spec(row["spec"]),
        file=file,
        create_time=row["create_time"],
        counted=row["counted"],
        prior_runs=row["prior_runs"] or 0,
        prior_points=row["prior_points"] or 0,
        state=SweepState(row["state"]),
        ending=Ending(row["ending"]) if row["ending"] else None,
        pause_cause=PauseCause(row["pause_cause"]) if row["pause_cause"] else None,
        reason=row["reason"],
        counts=Counts(tuple(row[column] for column in COUNT_COLUMNS)),
        cursor=int(row["cursor"], 0),
        initial=row["initial"],
        listed=None if row["listed"] is None else int(row["listed"], 0),
        observations=row["observations"],
        best=Best(run=row["best_run"], value=row["best_value"]) if row["best_run"] else None,
        objective_seen=bool(row["objective_seen"]),
        objective_missing=missing,
        guarded_from=row["guarded_from"],
        revision=row["revision"],
        timed_from=row["timed_from"],
        start_time=row["start_time"],
        end_time=row["end_time"],
    )


def guarded(row: Row) -> Guarded:
    """Return how the agent of a row stands with the guard of a sweep."""
    quarantine = QuarantineCause(row["quarantine"]) if row["quarantine"] else None
    return Guarded(failures=row["failures"], quarantine=quarantine, reason=row["reason"])


def run(row: Row, name: SweepName, attempts: Iterable[Row]) -> Run:
    """Return the run of a row; `attempts` are its own, oldest first."""
    return Run(
        sweep=row["sweep_id"],
        number=row["number"],
        name=str(RunName(name, row["number"], row["digest"].decode() if name.stands_for_none else "")),
        point=json.loads(row["point"]),
        digest=row["digest"],
        occurrence=row["occurrence"],
        provenance=_provenance(row),
        create_time=row["create_time"],
        repeat=row["repeat"],
        place=row["place"],
        state=RunState(row["state"]),
        reason=row["reason"],
        attempts=tuple(attempt(each) for each in attempts),
        requeues=row["requeues"],
        failures=row["failures"],
        observation_row=row["observation_row"],
        values=Values(
            iterations=row["iterations"],
            best=row["best_value"],
            worst=row["worst_value"],
            last=row["last_value"],
            total=row["total"],
            logged=bool(row["objective_logged"]),
        ),
        stopping=tuple(PatienceState(**each) if each else None for each in _entries(row["stopping"])),
        stop=Stop(mode=StopMode(row["stop_mode"]), reason=row["stop_reason"]) if row["stop_mode"] else None,
        verdicts=tuple(Verdict(**verdict) for verdict in _entries(row["verdicts"])),
        logged_keys=_keys(row["logged_keys"]),
        display_name=row["display_name"] or "",
        tags=tuple(_entries(row["tags"])) if row["tags"] else (),
        start_time=row["start_time"],
        end_time=row["end_time"],
    )


def prior_run(row: Row) -> PriorRun:
    """Return the prior run of a row, without its values at rungs."""
    return PriorRun(
        index=row["number"],
        source=row["source"],
        point=json.loads(row["point"]),
        digest=row["digest"],
        state=RunState(row["state"]),
        values=Values(
            iterations=row["iterations"],
            best=row["best_value"],
            worst=row["worst_value"],
            last=row["last_value"],
            total=row["total"],
            logged=row["best_value"] is not None,
        ),
        value=row["value"],
    )


def attempt(row: Row) -> Attempt:
    """Return the attempt of a row."""
    ended = None
    if row["exit_cause"]:
        ended = Exit(
            cause=ExitCause(row["exit_cause"]),
            code=row["exit_code"],
            signal=row["exit_signal"],
            message=row["exit_message"],
        )
    carried = json.loads(row["carried"]) if row["carried"] else {}
    return Attempt(
        number=row["number"],
        agent=row["agent"],
        host=row["host"],
        state=AttemptState(row["state"]),
        exit=ended,
        reason=row["reason"],
        argv=_argv(row["argv"]),
        resumed_from_step=row["resumed_from_step"],
        assign_time=row["assign_time"],
        start_time=row["start_time"],
        end_time=row["end_time"],
        storage=carried.get("storage", ""),
        preempting=carried.get("preempting", False),
        checkpoints=tuple(_checkpoint(each) for each in carried.get("checkpoints", ())),
        log_bytes=row["log_bytes"],
        secret_digest=row["secret_digest"],
    )


def _checkpoint(document: dict[str, Any]) -> Checkpoint:
    return Checkpoint(
        step=document["step"],
        values=Values(**document["values"]),
        stopping=tuple(PatienceState(**each) if each else None for each in document["stopping"]),
    )


def _keys(text: str) -> tuple[str, ...]:
    """Read names of metrics, without those that are too long: lists of runs would outgrow messages."""
    return tuple(key for key in _entries(text) if len(key) <= MAX_KEY_LENGTH)


def _argv(text: str) -> tuple[str, ...]:
    """Read arguments; of more than may enter today nothing is told."""
    argv = _entries(text)
    return tuple(argv) if fits(argv, ARGV) else TOO_LONG


def _entries(text: str) -> list[Any]:
    """Read a list in JSON. Most are empty, and there are several in each row of many."""
    entries: list[Any] = json.loads(text) if text != "[]" else []
    return entries


def _provenance(row: Row) -> Provenance:
    return Provenance(
        source=PointSource(row["source"]),
        seed=row["seed"],
        index=row["point_index"],
        observations_seen=row["observations_seen"],
        study_length=row["study_length"],
        engine=row["engine"],
        predicted_value=row["predicted_value"],
        predicted_deviation=row["predicted_deviation"],
        expected_improvement=row["expected_improvement"],
    )


@lru_cache(maxsize=256)
def _spec(document: str) -> SweepSpec:
    parsed = parse_mapping(json.loads(document), file="the stored sweep")
    if parsed.spec is None:
        raise ValueError(f"a stored sweep cannot be read: {parsed.diagnostics[0]}")
    return parsed.spec
