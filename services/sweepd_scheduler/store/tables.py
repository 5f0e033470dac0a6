"""Tables of the scheduler's database; schema, statements and readers are generated from them.

Times are microseconds since 1970, 0 for never. `changed` is the number of the commit that last changed a row,
from the same sequence as the numbers of history entries, so that a reader can ask for changes after a number.
"""

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from sweepd_kernel.sql.model import GenerationColumns, IdentityColumns, column
from sweepd_scheduler.domain.agents.agent import GuardRecord
from sweepd_scheduler.domain.effects import DetailsChanged, HistoryEntry
from sweepd_scheduler.domain.requests.remembered import Remembered
from sweepd_scheduler.domain.runs.run import Attempt, Run
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.search.study import StudyObservation
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import RunState
from sweepd_scheduler.store.converters import argv_of, index_of, index_text, keys_of, spec_of, spec_text


class SchedulerTable(SQLModel, registry=registry()):
    """Base of all tables of this database."""


def _count(state: RunState) -> int:
    counted: int = column(at=f"counts.by_state[{list(RunState).index(state)}]")
    return counted


class SweepRow(SchedulerTable, table=True):
    """Sweep; other tables refer to it by its integer key."""

    __tablename__ = "sweep"
    __table_args__ = (UniqueConstraint("entity", "project", "sweep"),)
    __entity__ = Sweep
    id: int = column(key=True, at="key")
    entity: str = column(at="name.parent.entity", fixed=True)
    project: str = column(at="name.parent.project", fixed=True)
    sweep: str = column(at="name.id", fixed=True)
    spec: str = column(encode=spec_text, decode=spec_of, fixed=True)
    """Updated only if the specification is edited."""
    file_name: str | None = column(fixed=True)
    file_content: bytes | None = column(fixed=True)
    create_time: int = column(fixed=True)
    counted: int | None = column(fixed=True)
    prior_runs: int = column(fixed=True)
    prior_points: int = column(fixed=True)
    state: str
    ending: str | None
    pause_cause: str | None
    reason: str
    pending_runs: int = _count(RunState.PENDING)
    assigned_runs: int = _count(RunState.ASSIGNED)
    running_runs: int = _count(RunState.RUNNING)
    finished_runs: int = _count(RunState.FINISHED)
    failed_runs: int = _count(RunState.FAILED)
    crashed_runs: int = _count(RunState.CRASHED)
    stopped_runs: int = _count(RunState.STOPPED)
    killed_runs: int = _count(RunState.KILLED)
    cursor: str = column(encode=index_text, decode=index_of)
    initial: int
    enumeration_index: str | None = column(encode=index_text, decode=index_of)
    observations: int
    best_run: int | None
    best_value: float | None
    objective_seen: bool
    missing_runs: int | None = column(at="objective_missing.consecutive_runs")
    missing_keys: str | None = column(at="objective_missing.logged_keys", decode=keys_of)
    guarded_from: int
    revision: int
    timed_from: int
    start_time: int
    end_time: int
    changed: int = column(extra=True)


class RunRow(SchedulerTable, table=True):
    """Run: its point and state. The unique constraint rejects duplicate runs that a bug might create."""

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("sweep_id", "digest", "repeat", "occurrence"),)
    __entity__ = Run
    sweep_id: int = column(key=True, at="sweep")
    number: int = column(key=True)
    digest: bytes = column(fixed=True)
    repeat: int = column(fixed=True)
    occurrence: int = column(fixed=True)
    point: str = column(fixed=True)
    provenance_source: str = column(fixed=True)
    provenance_seed: int = column(fixed=True)
    provenance_index: int = column(fixed=True)
    provenance_observations_seen: int = column(fixed=True)
    provenance_study_length: int = column(fixed=True)
    provenance_engine: str = column(fixed=True)
    provenance_predicted_value: float | None = column(fixed=True)
    provenance_predicted_deviation: float | None = column(fixed=True)
    provenance_expected_improvement: float | None = column(fixed=True)
    create_time: int = column(fixed=True)
    state: str
    reason: str
    place: int
    attempt: int
    requeues: int
    failures: int
    observation_row: int
    values_iterations: int
    values_best: float | None
    values_worst: float | None
    values_last: float | None
    values_total: float
    values_logged: bool
    value: float | None = column(extra=True)
    """The run's value for the search."""
    stopping: str
    stop_mode: str | None
    stop_reason: str | None
    verdicts: str
    logged_keys: str = column(decode=keys_of)
    start_time: int
    end_time: int
    display_name: str = column(fixed=True)
    """Copy from the details, which are too large for lists of runs; updated only with the details."""
    tags: str = column(fixed=True)
    """Copy from the details, like `display_name`."""
    changed: int = column(extra=True)


class AttemptRow(SchedulerTable, table=True):
    """One hand-out of a run to one agent."""

    __tablename__ = "attempt"
    __entity__ = Attempt
    sweep_id: int = column(key=True, extra=True)
    run: int = column(key=True, extra=True)
    number: int = column(key=True)
    agent: str
    host: str
    state: str
    exit_cause: str | None
    exit_code: int | None
    exit_signal: int | None
    exit_message: str | None
    reason: str
    argv: str = column(decode=argv_of)
    resumed_from_step: int | None
    assign_time: int
    start_time: int
    end_time: int
    storage: str
    preempting: bool
    checkpoints: str
    log_bytes: int | None
    secret_digest: bytes


class RunDetailsRow(SchedulerTable, table=True):
    """Details of a run, from the report with the highest attempt and sequence."""

    __tablename__ = "run_details"
    __entity__ = DetailsChanged
    sweep_id: int = column(key=True, at="key[0]")
    run: int = column(key=True, at="key[1]")
    attempt: int
    sequence: int
    body: bytes
    """A serialised `RunDetails`."""


class RungRow(SchedulerTable, table=True):
    """Value of a run at a rung of an early-termination rule; prior runs have negative numbers.

    Without a rowid, the table is read four times as fast at start-up, as each value is stored with its key.
    """

    __tablename__ = "rung"
    __table_args__ = {"sqlite_with_rowid": False}
    sweep_id: int = column(key=True)
    rule: int = column(key=True)
    rung: int = column(key=True)
    run: int = column(key=True)
    value: float


class PriorRunRow(SchedulerTable, table=True):
    """Prior run of a sweep; other tables refer to it by its negative number."""

    __tablename__ = "prior_run"
    __entity__ = PriorRun
    sweep_id: int = column(key=True, extra=True)
    number: int = column(key=True, at="index")
    source: str
    point: str
    digest: bytes
    state: str
    values_iterations: int
    values_best: float | None
    values_worst: float | None
    values_last: float | None
    values_total: float
    values_logged: bool
    value: float | None


class AgentGuardRow(SchedulerTable, table=True):
    """Record of an agent in the guard of a sweep; `quarantine` is null if the agent is not quarantined."""

    __tablename__ = "agent_guard"
    __entity__ = GuardRecord
    sweep_id: int = column(key=True, extra=True)
    agent: str = column(key=True, extra=True)
    failures: int
    quarantine: str | None
    reason: str


class ObservationRow(SchedulerTable, table=True):
    """Numbered observation of a study; sent to the search engine, and resent if the engine has lost it."""

    __tablename__ = "observation"
    __entity__ = StudyObservation
    sweep_id: int = column(key=True, at="sweep")
    number: int = column(key=True)
    run: int
    event: str
    iterations: int
    value: float | None
    best: float | None
    worst: float | None
    last: float | None
    outcome: str | None


class EventRow(SchedulerTable, table=True):
    """Entry of the history of a sweep or run; rows are never changed or deleted."""

    __tablename__ = "event"
    __table_args__ = (Index("event_of_run", "sweep_id", "run", "number"),)
    __entity__ = HistoryEntry
    number: int = column(key=True)
    time: int
    sweep_id: int = column(at="sweep")
    run: int
    attempt: int
    kind: str
    detail: str


class RequestRow(SchedulerTable, table=True):
    """Request of the last day and its response. `time` is on the request-age clock of `remembered.py`."""

    __tablename__ = "request"
    __table_args__ = (
        Index("request_of_account", "account", "time"),
        Index("request_of_quota", "account", "project", "time"),
    )
    __entity__ = Remembered
    account: str = column(key=True, at="key.account")
    project: str = column(key=True, at="key.project")
    id: str = column(key=True, at="key.request_id")
    fingerprint: bytes
    time: int = column(index=True)
    size_bytes: int
    response: bytes


class RequestQuotaRow(SchedulerTable, table=True):
    """Size of the remembered requests of an account in a project.

    The project `*` stands for all projects of an account; two empty names stand for all accounts.
    """

    __tablename__ = "request_quota"
    account: str = column(key=True)
    project: str = column(key=True)
    size_bytes: int


class IdentityRow(IdentityColumns, SchedulerTable, table=True):
    """Identity of this database, and its record of the metric store's database."""

    __tablename__ = "identity"


class GenerationRow(GenerationColumns, SchedulerTable, table=True):
    """Start of the service, stored with the number of the first commit after it."""

    __tablename__ = "generation"
