"""The client of sweepctl: the calls of `sweepd.calls`, each waited for, with messages as answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls import accounts, agents, logs, methods, metrics, names, runs, sweeps
from sweepd.calls.blocking_wire import BlockingWire
from sweepd.calls.following import OnGap, follow, follow_run, untold
from sweepd.calls.logs import Piece, Place
from sweepd.calls.names import Named
from sweepd.calls.waiting import run_until, sweep_until
from sweepd.calls.wire import iterate, run_now

if TYPE_CHECKING:
    from typing import Self

    from google.protobuf.field_mask_pb2 import FieldMask

    from sweepd.calls.condition import Condition
    from sweepd.spec.point import Json


class Client:
    """Talks to one server; a context manager that closes its channel.

    Every method raises ClientError. Reading calls may be repeated at will, changing ones carry a request id
    of their own, so that a repeat below does no harm.
    """

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self.wire = BlockingWire(address, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self.wire.close()

    def server_info(self) -> v1.GetServerInfoResponse:
        """Return what the server is."""
        return run_now(self.wire.one(methods.GET_SERVER_INFO, v1.GetServerInfoRequest()))

    def begin_sweep(
        self,
        parent: str,
        spec: v1.SweepSpec,
        *,
        prior_runs: v1.PriorRunSelection | None = None,
        source: v1.SweepFile | None = None,
        sweep_id: str = "",
        request_id: str = "",
    ) -> v1.CreateSweepResponse:
        """Create a sweep that may begin with prior runs; see `sweeps.create`."""
        created = sweeps.create(
            self.wire,
            parent,
            spec,
            prior_runs=prior_runs,
            source=source,
            sweep_id=sweep_id,
            request_id=request_id,
        )
        return run_now(created)

    def preview_sweep(
        self, file: v1.SweepFile, count: int, prior_runs: v1.PriorRunSelection | None = None
    ) -> v1.PreviewSweepResponse:
        """Return what a sweep file would run, after prior runs if any are named."""
        return run_now(sweeps.preview(self.wire, file, count, prior_runs))

    def sweep_name(self, text: str) -> str:
        """Return the full name of the sweep that `text` means; see `sweepd.calls.names` for all of these."""
        return run_now(names.sweep_name(self.wire, text))

    def any_name(self, text: str) -> Named:
        """Return the sweep or the run that `text` means."""
        return run_now(names.any_name(self.wire, text))

    def run_name(self, text: str) -> str:
        """Return the full name of the run that `text` means."""
        return run_now(names.run_name(self.wire, text))

    def run_names(self, texts: Sequence[str]) -> list[str]:
        """Return the full names of runs; each sweep is looked up once."""
        return run_now(names.run_names(self.wire, texts))

    def find_sweep(self, text: str) -> v1.Sweep:
        """Return the sweep that `text` means."""
        return run_now(names.find_sweep(self.wire, text))

    def find_run(self, text: str) -> v1.Run:
        """Return the run that `text` means."""
        return run_now(names.find_run(self.wire, text))

    def get_sweep(self, name: str) -> v1.Sweep:
        """Return a sweep by its full name."""
        return run_now(sweeps.get(self.wire, name))

    def list_sweeps(self, parent: str = "") -> Iterator[v1.Sweep]:
        """Yield sweeps, newest first."""
        return iterate(sweeps.list_of(self.wire, parent))

    def pause_sweep(self, name: str) -> v1.Sweep:
        """Hand out no run until the sweep is resumed."""
        return run_now(sweeps.pause(self.wire, name))

    def resume_sweep(self, name: str) -> v1.Sweep:
        """Hand out runs again."""
        return run_now(sweeps.resume(self.wire, name))

    def stop_sweep(self, name: str) -> v1.Sweep:
        """Hand out no more runs."""
        return run_now(sweeps.stop(self.wire, name))

    def cancel_sweep(self, name: str) -> v1.CancelSweepResponse:
        """Hand out no more runs and kill the live ones."""
        return run_now(sweeps.cancel(self.wire, name))

    def update_sweep(self, sweep: v1.Sweep, mask: FieldMask, *, revision: int = 0) -> v1.Sweep:
        """Change what `mask` names, if the sweep still has this revision (0: whichever it has)."""
        return run_now(sweeps.update(self.wire, sweep, mask, revision=revision))

    def explain_sweep(self, name: str) -> v1.ExplainSweepResponse:
        """Return why a sweep hands out nothing at the moment."""
        return run_now(sweeps.explain(self.wire, name))

    def follow_sweep(
        self, name: str, *, seconds: float | None = None, on_gap: OnGap = untold
    ) -> Iterator[v1.WatchSweepResponse]:
        """Yield the snapshot of a sweep and every change, over interruptions; see `following.follow`."""
        return iterate(follow(self.wire, name, seconds=seconds, on_gap=on_gap))

    def sweep_until(self, name: str, condition: Condition, *, seconds: float | None) -> v1.Sweep:
        """Return a sweep once a condition holds of it or it has ended; see `waiting.sweep_until`."""
        return run_now(sweep_until(self.wire, name, condition, seconds=seconds))

    def run_until(
        self, name: str, condition: Condition, *, seconds: float | None, on_gap: OnGap = untold
    ) -> v1.Run:
        """Return a run once a condition holds of it or it has ended; see `waiting.run_until`."""
        return run_now(run_until(self.wire, name, condition, seconds=seconds, on_gap=on_gap))

    def get_run(self, name: str) -> v1.Run:
        """Return a run by its full name; where there is none, the error names what there is."""
        return run_now(names.get_run(self.wire, name))

    def list_runs(
        self,
        sweep: str = "",
        *,
        project: str = "",
        stand_alone: bool = False,
        states: Sequence[v1.RunState.ValueType] = (),
        best_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[v1.Run]:
        """Yield the runs of a sweep or of a project; see `runs.list_of`."""
        listed = runs.list_of(
            self.wire,
            sweep,
            project=project,
            stand_alone=stand_alone,
            states=states,
            best_first=best_first,
            limit=limit,
        )
        return iterate(listed)

    def list_prior_runs(self, sweep: str) -> Iterator[v1.PriorRun]:
        """Yield the runs that a sweep began with."""
        return iterate(runs.prior_of(self.wire, sweep))

    def best_run(self, sweep: v1.Sweep) -> v1.Run | None:
        """Return the best run of a sweep; see `runs.best_of`."""
        return run_now(runs.best_of(self.wire, sweep))

    def enqueue_run(
        self, sweep: str, params: Mapping[str, Json], *, first: bool = False, request_id: str = ""
    ) -> list[v1.Run]:
        """Add the runs of a point; what the point leaves out is completed by the method."""
        return run_now(runs.enqueue(self.wire, sweep, params, first=first, request_id=request_id))

    def stop_run(self, name: str) -> v1.Run:
        """End one run."""
        return run_now(runs.stop(self.wire, name))

    def retry_runs(
        self,
        named: Sequence[str] = (),
        *,
        sweep: str = "",
        states: Sequence[v1.RunState.ValueType] = (),
        request_id: str = "",
    ) -> v1.RetryRunsResponse:
        """Hand out ended runs again: those named, or those of `sweep` in one of `states`."""
        return run_now(runs.retry(self.wire, named, sweep=sweep, states=states, request_id=request_id))

    def explain_run(self, name: str) -> v1.ExplainRunResponse:
        """Return the story of a run."""
        return run_now(runs.explain(self.wire, name))

    def follow_run(
        self, name: str, *, seconds: float | None = None, on_gap: OnGap = untold
    ) -> Iterator[v1.Run]:
        """Yield a run whenever it has changed, by asking again; see `following.follow_run`."""
        return iterate(follow_run(self.wire, name, seconds=seconds, on_gap=on_gap))

    def list_agents(self, sweep: str = "") -> Iterator[v1.Agent]:
        """Yield agents, those of one sweep or all."""
        return iterate(agents.list_of(self.wire, sweep))

    def release_agent(self, agent: str, *, sweep: str = "") -> list[str]:
        """Let an agent take runs again of `sweep`, or of all that hold it back; return their names."""
        return run_now(agents.release(self.wire, agent, sweep=sweep))

    def history(
        self,
        run: str,
        *,
        keys: Sequence[str] = (),
        max_points: int = 0,
        all_attempts: bool = False,
        system: bool = False,
    ) -> Iterator[v1.Series]:
        """Yield the series of one run, in parts if it is long; `system`: the samples of its agent."""
        series = metrics.history(
            self.wire, run, keys=keys, max_points=max_points, all_attempts=all_attempts, system=system
        )
        return iterate(series)

    def summaries(
        self, *, sweep: str = "", runs: Sequence[str] = (), keys: Sequence[str] = ()
    ) -> Iterator[v1.KeySummary]:
        """Yield what is known of each key of each run."""
        return iterate(metrics.summaries(self.wire, sweep=sweep, runs=runs, keys=keys))

    def export_points(self, sweep: str) -> Iterator[v1.Series]:
        """Yield every point of a sweep, all attempts included."""
        return iterate(metrics.export(self.wire, sweep))

    def list_files(self, run: str) -> Iterator[v1.RunFile]:
        """Yield the files of a run, by name."""
        return iterate(metrics.files(self.wire, run))

    def read_file(self, run: str, name: str) -> Iterator[bytes]:
        """Yield the content of a file of a run, piece by piece."""
        return iterate(metrics.read_file(self.wire, run, name))

    def read_log(self, run: str, at: Place, *, seconds: float | None = None) -> Iterator[Piece]:
        """Yield what is there of a log, from a place on; see `logs.read`."""
        return iterate(logs.read(self.wire, run, at, seconds=seconds))

    def follow_log(
        self,
        run: str,
        at: Place,
        *,
        one_attempt: bool,
        on_gap: OnGap,
        on_attempt: Callable[[int], None],
    ) -> Iterator[Piece]:
        """Yield what is there of a log and what comes, from a place on; see `logs.follow`."""
        pieces = logs.follow(
            self.wire, run, at, one_attempt=one_attempt, on_gap=on_gap, on_attempt=on_attempt
        )
        return iterate(pieces)

    def who_am_i(self) -> v1.Token:
        """Return what is known of the token that is presented."""
        return run_now(accounts.who_am_i(self.wire))

    def create_token(
        self,
        scope: v1.TokenScope.ValueType,
        *,
        display_name: str = "",
        account: str = "",
        projects: Sequence[str] = (),
        lifetime: float | None = None,
        request_id: str = "",
    ) -> v1.CreateTokenResponse:
        """Make a token; see `accounts.create_token`."""
        made = accounts.create_token(
            self.wire,
            scope,
            display_name=display_name,
            account=account,
            projects=projects,
            lifetime=lifetime,
            request_id=request_id,
        )
        return run_now(made)

    def list_tokens(self) -> Iterator[v1.Token]:
        """Yield tokens, newest first."""
        return iterate(accounts.tokens(self.wire))

    def revoke_token(self, key: str) -> v1.Token:
        """End a token by its id."""
        return run_now(accounts.revoke_token(self.wire, key))

    def list_projects(self, entity: str = "") -> Iterator[v1.Project]:
        """Yield projects by name, those of one entity or all."""
        return iterate(accounts.projects(self.wire, entity))
