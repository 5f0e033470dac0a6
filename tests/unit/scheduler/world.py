"""Test environment of the core: keeps time, fires timers, simulates agents, checks every invariant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from scheduler_memory import MemoryStore
from sweepd.spec.methods.sequence import counted_points, points_taken
from sweepd.spec.parse import parse_mapping
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_scheduler.domain.agents.agent import AttemptRef, ReportedAttempt, Session, StoredAttempt
from sweepd_scheduler.domain.agents.lease import is_moot
from sweepd_scheduler.domain.effects import (
    Ack,
    AskStudy,
    Change,
    CloseSession,
    Command,
    Effect,
    RunChanged,
    SendCommand,
    SetTimer,
    StartRun,
    StopRun,
    SweepChanged,
)
from sweepd_scheduler.domain.events import (
    Announced,
    Answered,
    Attached,
    ClockReading,
    Described,
    Detached,
    Event,
    Exited,
    LeaseDue,
    Observation,
    Observed,
    Offered,
    Started,
    Timeouts,
    Timer,
)
from sweepd_scheduler.domain.names import Parent, RunName, SweepName, standing_name
from sweepd_scheduler.domain.requests.requests import Answer, CreateRun, CreateSweep, NotInMemoryError, Runs
from sweepd_scheduler.domain.runs.run import Exit, ExitCause, Run, RunKey
from sweepd_scheduler.domain.runs.run_end import first_timeouts
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.sweep import Sweep
from synchronous_decide import decide
from unit.scheduler.invariants import Ledger, check_restored

C = TypeVar("C")
PARENT = Parent("local", "demo")
GRID_4 = {"method": "grid", "parameters": {"a": {"values": [1, 2]}, "b": {"values": [1, 2]}}}
RANDOM = {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}}
OBJECTIVE = {"metric": {"name": "loss"}}
NO_LABELS: Mapping[str, str] = {}
EXIT_0 = Exit(cause=ExitCause.EXITED, code=0)


def secret_of(agent: str) -> bytes:
    """Return the secret of an agent of standalone runs."""
    return f"the secret of {agent}".encode()


def a_spec(document: Mapping[str, object]) -> SweepSpec:
    parsed = parse_mapping({"program": "train.py", "seed": 7, **document})
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec


@dataclass
class World:
    """The core, with all stored changes and sent commands, newest last."""

    state: State = field(default_factory=lambda: State(Timeouts()))
    now: float = 1_000.0
    timers: list[tuple[float, Timer]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    effects: list[Effect] = field(default_factory=list)
    sent: list[tuple[str, Command]] = field(default_factory=list)
    # Secret of each attempt that was handed out.
    secrets: dict[tuple[RunKey, int], bytes] = field(default_factory=dict)
    sessions: int = 0
    events: int = 0

    @property
    def clock_reading(self) -> ClockReading:
        """The time of the next event; no two events have the same one, as on a real clock."""
        return ClockReading(self.now, int(self.now * 1e6) + self.events, self.events.to_bytes(32))

    def happens(self, event: Event) -> Answer | None:
        decision = decide(self.state, event, self.clock_reading)
        self.events += 1
        self.state.undo_log.keep()
        self.changes += decision.changes
        self.effects = list(decision.effects)
        for effect in decision.effects:
            if isinstance(effect, SendCommand):
                self.sent.append((effect.session, effect.command))
                if isinstance(effect.command, StartRun):
                    handed_out = effect.command.run.key, effect.command.ref.attempt
                    self.secrets[handed_out] = effect.command.secret
            elif isinstance(effect, SetTimer):
                self.timers.append((effect.at, effect.event))
        self.timers = [timer for timer in self.timers if not is_moot(self.state, timer[1])]
        leases = {(each.key, each.attempt) for _, each in self.timers if isinstance(each, LeaseDue)}
        assert {(key, self.state.runs[key].attempt) for key in self.state.last_seen} <= leases
        self.ledger.check(self.state, self.changes)
        return decision.answer

    def passes(self, seconds: float, *, silent: bool = True) -> None:
        """Let time pass and fire due timers in order; if not `silent`, agents renew their leases."""
        end = self.now + seconds
        while True:
            due = min(
                (timer for timer in self.timers if timer[0] <= end), key=lambda each: each[0], default=None
            )
            if due is None:
                break
            self.timers.remove(due)
            self.now = max(self.now, due[0])
            if not silent:
                for session in self.state.sessions:
                    self.state.renew_leases(session, self.now)
            self.happens(due[1])
        self.now = end

    def create(
        self, document: Mapping[str, object], sweep_id: str = "s", prior: Sequence[PriorRun] = ()
    ) -> Sweep:
        spec = a_spec(document)
        points = {each.digest: each.point for each in prior}
        answer = self.happens(
            CreateSweep(
                parent=PARENT,
                id=sweep_id,
                drawn_ids=(),
                spec=spec,
                file=None,
                counted=counted_points(spec),
                prior_runs=tuple(prior),
                prior_points=points_taken(spec, list(points.values())),
            )
        )
        assert isinstance(answer, Sweep)
        return answer

    def start_standalone(
        self,
        run_id: str | None,
        agent: str = "ann",
        start_time: int = 0,
        attempt: int = 1,
        secret: bytes | None = None,
    ) -> Run:
        """Claim a standalone run, as the servicer does."""
        event = CreateRun(
            parent=PARENT,
            id=run_id,
            drawn_ids=("drawn",),
            agent=agent,
            host="host",
            argv=("python", "train.py"),
            point={"lr": 0.1},
            start_time=start_time,
            attempt=attempt,
            secret=secret_of(agent) if secret is None else secret,
        )
        try:
            answer = self.happens(event)
        except NotInMemoryError:
            found = self.everything().run(RunName(standing_name(PARENT), 0, run_id or ""))
            answer = self.happens(replace(event, found=found))
        assert isinstance(answer, Runs)
        return answer.runs[0]

    def attach(
        self,
        agent: str = "ann",
        sweep: str | None = "s",
        slots: int = 1,
        attempts: tuple[ReportedAttempt, ...] = (),
        labels: Mapping[str, str] = NO_LABELS,
        storage: str = "",
    ) -> str:
        self.sessions += 1
        session = f"session-{self.sessions}"
        self.happens(Announced(session, agent))
        self.happens(
            Attached(
                session=Session(
                    id=session,
                    agent=agent,
                    pid=1,
                    host="host",
                    version="0",
                    labels=labels,
                    slots=slots,
                    storage=storage,
                ),
                sweeps=() if sweep is None else (SweepName(PARENT, sweep),),
                attempts=attempts,
            )
        )
        return session

    def offer(self, session: str, wanted: int = 1) -> list[StartRun]:
        before = len(self.sent)
        self.happens(Offered(session, wanted))
        return [command for _, command in self.sent[before:] if isinstance(command, StartRun)]

    def takes_one(self, session: str) -> StartRun:
        """Offer one slot, confirm the run, and start its process."""
        (start,) = self.offer(session)
        self.confirms(session, start)
        return start

    def confirms(self, session: str, start: StartRun) -> None:
        self.happens(Answered(session, start.command, ""))
        self.happens(Started(session=session, ref=start.ref, argv=("python",), resumed_from_step=None))

    def logs(self, session: str, ref: AttemptRef, first: int, *values: float) -> None:
        self.happens(
            Observed(
                session=session,
                ref=ref,
                first_row=first,
                last_row=first + len(values) - 1,
                observations=tuple(Observation(first + n, value) for n, value in enumerate(values)),
            )
        )

    def saves(self, session: str, ref: AttemptRef, row: int, step: int) -> None:
        """Save a checkpoint, in a row of its own."""
        saved = Observation(row, 0.0, step)
        self.happens(Observed(session=session, ref=ref, first_row=row, last_row=row, observations=(saved,)))

    def resumes(self, session: str, ref: AttemptRef, step: int) -> None:
        """Report the checkpoint that an attempt continues from."""
        self.happens(Started(session=session, ref=ref, argv=("python",), resumed_from_step=step))

    def exits(
        self,
        session: str,
        ref: AttemptRef,
        exit_: Exit = EXIT_0,
        last_row: int = 0,
        keys: tuple[str, ...] = (),
        time: int = 0,
        log_bytes: int | None = None,
        summary_value: float | None = None,
    ) -> None:
        ended = Exited(
            session=session,
            ref=ref,
            last_row=last_row,
            exit=exit_,
            logged_keys=keys,
            log_tail="",
            time=time,
            log_bytes=log_bytes,
            summary_value=summary_value,
        )
        self.happens(ended)

    def describes(self, session: str, ref: AttemptRef, sequence: int = 1) -> None:
        self.happens(Described(session=session, ref=ref, sequence=sequence, body=b"", preempting=True))

    def held(self, key: RunKey, ref: AttemptRef, *, secret: bytes | None = None) -> ReportedAttempt:
        """Return an attempt as its agent names it in Hello, with what is stored of it."""
        run = self.run(key)
        if secret is None:
            standalone_secret = run.is_standalone and secret_of(run.attempts[ref.attempt - 1].agent)
            secret = standalone_secret or self.secrets[key, ref.attempt]
        known = StoredAttempt(
            key=key,
            run=run.name,
            sweep=str(self.sweep(run.sweep).name),
            run_state=run.state,
            state=run.attempts[ref.attempt - 1].state,
            observation_row=run.observation_row,
            secret_digest=run.attempts[ref.attempt - 1].secret_digest,
        )
        return ReportedAttempt(ref=ref, known=known, secret=secret)

    def leaves(self, session: str) -> None:
        agents = {s: agent for agent, s in self.state.streams.items()}
        self.happens(Detached(session, agents.get(session, "")))

    def run(self, key: RunKey) -> Run:
        """Return a run as it was last stored, also if it has ended."""
        return next(c.run for c in reversed(self.changes) if isinstance(c, RunChanged) and c.run.key == key)

    def sweep(self, key: int = 1) -> Sweep:
        found = (c.sweep for c in reversed(self.changes) if isinstance(c, SweepChanged))
        return next(sweep for sweep in found if sweep.key == key)

    def last_sent(self, kind: type[C]) -> C:
        return next(command for _, command in reversed(self.sent) if isinstance(command, kind))

    def stops(self) -> list[StopRun]:
        return [command for _, command in self.sent if isinstance(command, StopRun)]

    def acks(self) -> list[Ack]:
        return [command for _, command in self.sent if isinstance(command, Ack)]

    def closed(self) -> list[CloseSession]:
        return [effect for effect in self.effects if isinstance(effect, CloseSession)]

    def everything(self) -> MemoryStore:
        """Return a store with all changes so far."""
        store = MemoryStore()
        store.commit(self.changes, 10_000)
        return store

    def restarts(self) -> None:
        """Restart from the stored state, without streams and with a later time of day."""
        loaded = self.everything().load()
        before, self.state = self.state, State(Timeouts())
        self.state.restore(loaded.sweeps, loaded.ended, loaded.number, self.now)
        self.timers = [*self.state.first_timers(self.now), *first_timeouts(self.state, self.clock_reading)]
        check_restored(before, self.state)

    def asked(self) -> list[AskStudy]:
        return [effect for effect in self.effects if isinstance(effect, AskStudy)]
