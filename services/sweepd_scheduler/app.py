"""Composition of the scheduler from its parts, and its command-line flags."""

import argparse
import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import grpc.aio

from sweepd.rpc.channel import call_metadata, open_channel
from sweepd.v1 import (
    account_service_pb2_grpc,
    agent_service_pb2_grpc,
    metric_service_pb2_grpc,
    run_service_pb2_grpc,
    sweep_service_pb2_grpc,
)
from sweepd_kernel.errors import StartError
from sweepd_kernel.flags import duration
from sweepd_kernel.service import RunningService, ServiceContext, ServiceDefinition
from sweepd_kernel.sql.schema import ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_scheduler.accounts.accounts import Accounts
from sweepd_scheduler.accounts.places import Places
from sweepd_scheduler.accounts.servicer import AccountServicer
from sweepd_scheduler.accounts.sql import SqlAccounts
from sweepd_scheduler.accounts.tables_sql import SCHEMA as ACCOUNTS_SCHEMA
from sweepd_scheduler.agents.forwarder import Forwarders
from sweepd_scheduler.agents.outboxes import Outboxes
from sweepd_scheduler.agents.servicer import AgentServicer
from sweepd_scheduler.agents.sessions import Sessions
from sweepd_scheduler.api.run_servicer import RunServicer
from sweepd_scheduler.api.sweep_servicer import SweepServicer
from sweepd_scheduler.domain import effects
from sweepd_scheduler.domain.events import Timeouts
from sweepd_scheduler.domain.search.study import SearchEngine
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.message_size import Page
from sweepd_scheduler.owner.metric_pairing import MetricPairing, compare_at_start
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.reads.importance import Backend, Importances
from sweepd_scheduler.reads.prior_curves import Curves
from sweepd_scheduler.reads.prior_runs import PriorRuns
from sweepd_scheduler.reads.sweep_file_workers import SweepFileWorkers
from sweepd_scheduler.reads.watch import Watchers
from sweepd_scheduler.store.ports import StudyLine
from sweepd_scheduler.store.records import Reading, SqlRecords
from sweepd_scheduler.store.store import DATABASE, PAIRED, SqlStore
from sweepd_scheduler.store.store import SERVICE as NAME
from sweepd_scheduler.store.tables_sql import SCHEMA
from sweepd_scheduler.suggestion_client import SuggestionService

ACCOUNTS = "accounts.sqlite"
GO_AWAY_TIMEOUT = 1.0
SHORTEST_LEASE = 0.5


class Scheduler:
    """Running scheduler: its parts, started and stopped together."""

    def __init__(
        self,
        context: ServiceContext,
        timeouts: Timeouts,
        store: SqlStore,
        records: SqlRecords,
        accounts: Accounts,
    ) -> None:
        clock, log = context.clock, context.log
        self._accounts = accounts
        self._metrics = open_channel(context.flags.metrics, context.service_token)
        self._suggestion = open_channel(context.flags.suggestion, context.service_token)
        self._records = records
        self._reading = Reading(records)
        self._file_workers = SweepFileWorkers()
        self._places = Places(accounts, self._reading)
        self._importances = Importances(
            Backend(self._suggestion, context.flags.suggestion),
            Backend(self._metrics, context.flags.metrics),
            self._reading,
        )
        self._outboxes = Outboxes(timeouts)
        self._watchers = Watchers()
        state = State(timeouts)
        self._engine = SuggestionService(
            self._suggestion, self._observations, lambda event: self.owner.post(event), clock, log
        )
        effect_handler = ServiceEffectHandler(state, self._outboxes, self._engine, self._watchers, log)
        self.owner = Owner(state, store, clock, effect_handler, log)
        metrics = metric_service_pb2_grpc.MetricServiceStub(self._metrics)
        credentials = call_metadata(context.service_token)
        self._forwarders = Forwarders(
            lambda: metrics.Append(metadata=credentials), self._outboxes.acknowledge, clock, log
        )
        self._sessions = Sessions(self.owner, self._reading, self._outboxes, self._forwarders, clock)
        self._clock = clock
        self._pairing = MetricPairing(self._metrics, store, self.owner.in_writer, clock, log, context.reopen)
        self._tasks: list[asyncio.Task[None]] = []

    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        """Add the servicers to `server`, and return the full names of their services."""
        sweep_service_pb2_grpc.add_SweepServiceServicer_to_server(
            SweepServicer(
                self.owner,
                self._reading,
                self._engine,
                self._watchers,
                self._clock,
                PriorRuns(self._reading, Curves(self._metrics, self._reading), self._places.exists),
                self._importances,
                self._file_workers,
            ),
            server,
        )
        run_service_pb2_grpc.add_RunServiceServicer_to_server(RunServicer(self.owner, self._reading), server)
        agent_service_pb2_grpc.add_AgentServiceServicer_to_server(
            AgentServicer(self.owner, self._reading, self._sessions, self._clock), server
        )
        account_service_pb2_grpc.add_AccountServiceServicer_to_server(
            AccountServicer(self._accounts, self._places), server
        )
        served = ("SweepService", "RunService", "AgentService", "AccountService")
        return tuple(f"sweepd.v1.{name}" for name in served)

    def load(self) -> None:
        """Restore the stored state. Blocks; called once, before `start`."""
        self._accounts.restore()
        self._places.restore()
        self.owner.load()

    async def start(self, address: str) -> None:
        """Start the tasks: the owner loop, forwarding, pairing and the deletion of old tokens."""
        loop = asyncio.get_running_loop()
        work = (self.owner.run(), self._accounts.tidy(), self._pairing.run())
        self._tasks = [*(loop.create_task(each) for each in work), *self._forwarders.tasks()]

    async def stop(self) -> None:
        """Ask agents to reconnect later, end streams and tasks, and close the databases."""
        self._accounts.revocations.end()
        await self._sessions.go_away(GO_AWAY_TIMEOUT)
        self._watchers.end()
        self._engine.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pairing.leave()
        await asyncio.to_thread(self.owner.close)
        await asyncio.to_thread(self._accounts.close)
        await asyncio.to_thread(self._reading.close)
        self._file_workers.close()
        self._records.close()
        await self._metrics.close()
        await self._suggestion.close()

    async def _observations(self, sweep: int, after: int, limit: int) -> Page[StudyLine]:
        return await self._reading(self._records.observations, sweep, after, limit)


def _add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the scheduler's own flags."""
    parser.add_argument("--metrics", required=True, metavar="ADDR", help="address of the metric store")
    parser.add_argument(
        "--suggestion", required=True, metavar="ADDR", help="address of the suggestion service"
    )
    defaults = Timeouts()
    for flag, default, what in (
        (
            "--meet-within",
            0.0,
            "how long to wait at the start for the metric store, to compare the databases (default: 0s)",
        ),
        (
            "--lease",
            defaults.lease,
            "time without reports from its agent after which an attempt is suspect (default: 30s)",
        ),
        (
            "--lost-after",
            defaults.lost_after,
            "time without reports from its agent after which a run is handed out again (default: 2m)",
        ),
    ):
        parser.add_argument(flag, type=duration, default=default, metavar="D", help=what)


async def _open(context: ServiceContext) -> RunningService:
    if context.data is None:
        raise StartError(f"{NAME} needs a folder for its data: --data DIR")
    timeouts = _timeouts(context.flags)
    store, records = await asyncio.to_thread(_open_database, context.data / DATABASE)
    try:
        await _compare_databases(store, context)
        accounts = await asyncio.to_thread(_open_accounts, context, context.data / ACCOUNTS)
    except BaseException:
        store.close()
        raise
    scheduler = Scheduler(context, timeouts, store, records, accounts)
    try:
        await asyncio.to_thread(scheduler.load)
    except BaseException:
        store.close()
        accounts.close()
        raise
    context.gate.tokens = accounts
    return scheduler


async def _compare_databases(store: SqlStore, context: ServiceContext) -> None:
    own = await asyncio.to_thread(store.database)
    async with open_channel(context.flags.metrics, context.service_token) as channel:
        await compare_at_start(channel, own, context.clock, within=context.flags.meet_within)


def _open_database(path: Path) -> tuple[SqlStore, SqlRecords]:
    engine = SqliteEngine(path, NAME)
    ensure_schema(engine, SCHEMA)
    return SqlStore(engine), SqlRecords(engine)


def _open_accounts(context: ServiceContext, path: Path) -> Accounts:
    engine = SqliteEngine(path, NAME)
    ensure_schema(engine, ACCOUNTS_SCHEMA)
    store = SqlAccounts(engine)
    return Accounts(store, context.clock, context.gate.calls, context.service_token, context.log)


def _timeouts(flags: argparse.Namespace) -> Timeouts:
    if flags.lease < SHORTEST_LEASE:
        raise StartError(f"--lease is too short: the minimum is {SHORTEST_LEASE:g} s")
    if flags.lost_after <= flags.lease:
        raise StartError("--lost-after must be longer than --lease")
    return Timeouts(lease=flags.lease, lost_after=flags.lost_after)


SERVICE = ServiceDefinition(
    name=NAME,
    help="stores the state of sweeps and runs, and hands out runs to agents",
    has_data=True,
    add_flags=_add_flags,
    open=_open,
    accepts_people=True,
    paired=PAIRED,
)


class ServiceEffectHandler:
    """Effect handler of the running scheduler. An effect may safely be executed more than once."""

    def __init__(
        self, state: State, outboxes: Outboxes, engine: SearchEngine, watchers: Watchers, log: logging.Logger
    ) -> None:
        self._state = state
        self._outboxes = outboxes
        self._engine = engine
        self._watchers = watchers
        self._log = log

    def perform(self, effect: effects.Effect) -> None:
        """Execute one effect."""
        match effect:
            case effects.SendCommand(session=session, command=command):
                self._outboxes.send(session, command, self._state.sessions.get(session))
            case effects.CloseSession(session=session, error=error):
                self._outboxes.end(session, error)
            case effects.AskStudy(sweep=key, count=count):
                sweep = self._state.sweeps.get(key)
                if sweep is not None:
                    self._engine.ask(sweep, count)
            case effects.LogLine(message=message):
                self._log.warning(message)
            case effects.SetTimer():
                raise AssertionError("the owner sets timers itself")

    def publish(self, changes: Sequence[effects.Change], number: int) -> None:
        """Publish stored changes to watches; `number`: the number of their commit."""
        self._watchers.publish(changes, number)
