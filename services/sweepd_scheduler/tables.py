"""The tables of the scheduler's database; `schema.sql` and the migrations agree with them.

Times are microseconds since 1970, 0 for never. `changed` is the number of a row's newest change; it shares
its sequence with the lines of the record, so that a reader can ask for what came after one.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class SchedulerTable(SQLModel, registry=registry()):
    """What all tables of this database share: a catalogue of their own."""


def _key() -> Column[int]:
    return Column(Integer, primary_key=True, autoincrement=False)


def _whole(*, nullable: bool = False) -> Column[int]:
    return Column(BigInteger, nullable=nullable)


def _text(*, nullable: bool = False) -> Column[str]:
    return Column(Text, nullable=nullable)


def _bytes(*, nullable: bool = False) -> Column[bytes]:
    return Column(LargeBinary, nullable=nullable)


class SweepRow(SchedulerTable, table=True):
    """A sweep; integer keys stand for names everywhere else."""

    __tablename__ = "sweep"
    __table_args__ = (UniqueConstraint("entity", "project", "sweep"),)
    id: int = Field(sa_column=Column(Integer, primary_key=True))
    entity: str = Field(sa_column=_text())
    project: str = Field(sa_column=_text())
    sweep: str = Field(sa_column=_text())
    spec: str = Field(sa_column=_text())
    file_name: str | None = Field(sa_column=_text(nullable=True))
    file_content: bytes | None = Field(sa_column=_bytes(nullable=True))
    create_time: int = Field(sa_column=_whole())
    counted: int | None = Field(sa_column=_whole(nullable=True))
    state: str = Field(sa_column=_text())
    ending: str | None = Field(sa_column=_text(nullable=True))
    pause_cause: str | None = Field(sa_column=_text(nullable=True))
    reason: str = Field(sa_column=_text())
    pending_runs: int = Field(sa_column=_whole())
    assigned_runs: int = Field(sa_column=_whole())
    running_runs: int = Field(sa_column=_whole())
    finished_runs: int = Field(sa_column=_whole())
    failed_runs: int = Field(sa_column=_whole())
    crashed_runs: int = Field(sa_column=_whole())
    stopped_runs: int = Field(sa_column=_whole())
    killed_runs: int = Field(sa_column=_whole())
    cursor: str = Field(sa_column=_text())
    initial: int = Field(sa_column=_whole())
    listed: str | None = Field(sa_column=_text(nullable=True))
    observations: int = Field(sa_column=_whole())
    best_run: int | None = Field(sa_column=_whole(nullable=True))
    best_value: float | None = None
    objective_seen: bool
    missing_runs: int = Field(sa_column=_whole())
    missing_keys: str = Field(sa_column=_text())
    guarded_from: int = Field(sa_column=_whole())
    revision: int = Field(sa_column=_whole())
    timed_from: int = Field(sa_column=_whole())
    start_time: int = Field(sa_column=_whole())
    end_time: int = Field(sa_column=_whole())
    changed: int = Field(sa_column=_whole())
    prior_runs: int | None = Field(sa_column=_whole(nullable=True))
    prior_points: int | None = Field(sa_column=_whole(nullable=True))


class RunRow(SchedulerTable, table=True):
    """A run: its point, and where it stands. The unique key keeps hand-outs exact whatever the code does."""

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("sweep_id", "digest", "repeat", "occurrence"),)
    sweep_id: int = Field(sa_column=_key())
    number: int = Field(sa_column=_key())
    digest: bytes = Field(sa_column=_bytes())
    repeat: int = Field(sa_column=_whole())
    occurrence: int = Field(sa_column=_whole())
    point: str = Field(sa_column=_text())
    source: str = Field(sa_column=_text())
    seed: int = Field(sa_column=_whole())
    point_index: int = Field(sa_column=_whole())
    observations_seen: int = Field(sa_column=_whole())
    study_length: int = Field(sa_column=_whole())
    engine: str = Field(sa_column=_text())
    predicted_value: float | None = None
    predicted_deviation: float | None = None
    expected_improvement: float | None = None
    create_time: int = Field(sa_column=_whole())
    state: str = Field(sa_column=_text())
    reason: str = Field(sa_column=_text())
    place: int = Field(sa_column=_whole())
    attempt: int = Field(sa_column=_whole())
    requeues: int = Field(sa_column=_whole())
    failures: int = Field(sa_column=_whole())
    observation_row: int = Field(sa_column=_whole())
    iterations: int = Field(sa_column=_whole())
    best_value: float | None = None
    worst_value: float | None = None
    last_value: float | None = None
    total: float
    value: float | None = None
    objective_logged: bool
    stopping: str = Field(sa_column=_text())
    stop_mode: str | None = Field(sa_column=_text(nullable=True))
    stop_reason: str = Field(sa_column=_text())
    verdicts: str = Field(sa_column=_text())
    logged_keys: str = Field(sa_column=_text())
    start_time: int = Field(sa_column=_whole())
    end_time: int = Field(sa_column=_whole())
    changed: int = Field(sa_column=_whole())
    # What lists show of the details: they may be large, and are not read for it.
    display_name: str | None = Field(sa_column=_text(nullable=True))
    # Likewise, as JSON; null: none.
    tags: str | None = Field(sa_column=_text(nullable=True))


class AttemptRow(SchedulerTable, table=True):
    """One hand-out of a run to one agent."""

    __tablename__ = "attempt"
    sweep_id: int = Field(sa_column=_key())
    run: int = Field(sa_column=_key())
    number: int = Field(sa_column=_key())
    agent: str = Field(sa_column=_text())
    host: str = Field(sa_column=_text())
    state: str = Field(sa_column=_text())
    exit_cause: str | None = Field(sa_column=_text(nullable=True))
    exit_code: int | None = Field(sa_column=_whole(nullable=True))
    exit_signal: int | None = Field(sa_column=_whole(nullable=True))
    exit_message: str = Field(sa_column=_text())
    reason: str = Field(sa_column=_text())
    argv: str = Field(sa_column=_text())
    resumed_from_step: int | None = Field(sa_column=_whole(nullable=True))
    assign_time: int = Field(sa_column=_whole())
    start_time: int = Field(sa_column=_whole())
    end_time: int = Field(sa_column=_whole())
    # What the next attempt may go on from, as JSON; null: nothing.
    carried: str | None = Field(sa_column=_text(nullable=True))
    # Of its whole log; null while that may grow, or where the agent did not say.
    log_bytes: int | None = Field(sa_column=_whole(nullable=True))
    # SHA-256 of the secret with which an agent proves that the attempt is its own.
    secret_digest: bytes = Field(sa_column=_bytes())


class RunDetailsRow(SchedulerTable, table=True):
    """What is told of a run besides metrics: the newest report, by attempt and sequence."""

    __tablename__ = "run_details"
    sweep_id: int = Field(sa_column=_key())
    run: int = Field(sa_column=_key())
    attempt: int = Field(sa_column=_whole())
    sequence: int = Field(sa_column=_whole())
    body: bytes = Field(sa_column=_bytes())
    """A serialised `RunDetails`."""


class RungRow(SchedulerTable, table=True):
    """The value of a run at a rung of a rule of early termination, its newest attempt's.

    Without a rowid it is read four times as fast at a start: the values lie beside the keys, rung after rung.
    """

    __tablename__ = "rung"
    __table_args__ = {"sqlite_with_rowid": False}
    sweep_id: int = Field(sa_column=_key())
    rule: int = Field(sa_column=_key())
    rung: int = Field(sa_column=_key())
    run: int = Field(sa_column=_key())
    value: float


class PriorRunRow(SchedulerTable, table=True):
    """A run of elsewhere with which a sweep began; elsewhere the negative of its number stands for it."""

    __tablename__ = "prior_run"
    sweep_id: int = Field(sa_column=_key())
    number: int = Field(sa_column=_key())
    source: str = Field(sa_column=_text())
    point: str = Field(sa_column=_text())
    digest: bytes = Field(sa_column=_bytes())
    state: str = Field(sa_column=_text())
    iterations: int = Field(sa_column=_whole())
    best_value: float | None = None
    worst_value: float | None = None
    last_value: float | None = None
    total: float
    value: float | None = None


class AgentGuardRow(SchedulerTable, table=True):
    """An agent on which runs of a sweep failed in a row, and why it gets no more of them; null: it does."""

    __tablename__ = "agent_guard"
    sweep_id: int = Field(sa_column=_key())
    agent: str = Field(sa_column=Column(Text, primary_key=True))
    failures: int = Field(sa_column=_whole())
    quarantine: str | None = Field(sa_column=_text(nullable=True))
    reason: str = Field(sa_column=_text())


class ObservationRow(SchedulerTable, table=True):
    """A numbered observation of a study: what the search is told, again and again if need be."""

    __tablename__ = "observation"
    sweep_id: int = Field(sa_column=_key())
    number: int = Field(sa_column=_key())
    run: int = Field(sa_column=_whole())
    event: str = Field(sa_column=_text())
    iterations: int = Field(sa_column=_whole())
    value: float | None = None
    worst: float | None = None
    last: float | None = None
    outcome: str | None = Field(sa_column=_text(nullable=True))
    best: float | None = None


class EventRow(SchedulerTable, table=True):
    """A line of the record; only ever appended to."""

    __tablename__ = "event"
    __table_args__ = (Index("event_of_run", "sweep_id", "run", "number"),)
    number: int = Field(sa_column=Column(Integer, primary_key=True))
    time: int = Field(sa_column=_whole())
    sweep_id: int = Field(sa_column=_whole())
    run: int = Field(sa_column=_whole())
    attempt: int = Field(sa_column=_whole())
    kind: str = Field(sa_column=_text())
    detail: str = Field(sa_column=_text())


class RequestRow(SchedulerTable, table=True):
    """A request of the last day and its response. `time` ages with the scheduler; see `remembered.py`."""

    __tablename__ = "request"
    __table_args__ = (
        Index("request_of_account", "account", "time"),
        Index("request_of_quota", "account", "project", "time"),
    )
    account: str = Field(sa_column=Column(Text, primary_key=True))
    project: str = Field(sa_column=Column(Text, primary_key=True))
    id: str = Field(sa_column=Column(Text, primary_key=True))
    fingerprint: bytes = Field(sa_column=_bytes())
    time: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    response: bytes = Field(sa_column=_bytes())
    size_bytes: int = Field(sa_column=_whole())


class RequestQuotaRow(SchedulerTable, table=True):
    """Bytes that the requests of an account in a project take; `*`: in all of them, empty names: of all."""

    __tablename__ = "request_quota"
    account: str = Field(sa_column=Column(Text, primary_key=True))
    project: str = Field(sa_column=Column(Text, primary_key=True))
    size_bytes: int = Field(sa_column=_whole())


class IdentityRow(SchedulerTable, table=True):
    """The one row that says which database this is, and what it remembers of the metric store's."""

    __tablename__ = "identity"
    id: int = Field(sa_column=Column(Integer, primary_key=True))
    database_id: str = Field(sa_column=Column(Text, nullable=False))
    number: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Of the newest commit."""
    peer_id: str | None = Field(sa_column=Column(Text, nullable=True))
    peer_generation: str | None = Field(sa_column=Column(Text, nullable=True))
    peer_number: int | None = Field(sa_column=Column(BigInteger, nullable=True))


class GenerationRow(SchedulerTable, table=True):
    """A start of the service that has committed something, and the number of its first commit."""

    __tablename__ = "generation"
    id: int = Field(sa_column=Column(Integer, primary_key=True))
    token: str = Field(sa_column=Column(Text, nullable=False))
    first_number: int = Field(sa_column=Column(BigInteger, nullable=False))
