"""Client of sweepctl: the calls of `sweepd.calls` as blocking methods."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Concatenate, ParamSpec, Self, TypeVar

from sweepd.calls import following, logs, metrics, names, runs, server, sweeps
from sweepd.calls.grpc_wires import BlockingWire
from sweepd.calls.wire import Wire, iterate, run_now

P = ParamSpec("P")
T = TypeVar("T")


def _one(
    call: Callable[Concatenate[Wire, P], Coroutine[None, None, T]],
) -> Callable[Concatenate[Client, P], T]:
    """Return a method that makes a call and waits for the response."""

    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run_now(call(self.wire, *args, **kwargs))

    return method


def _many(
    call: Callable[Concatenate[Wire, P], AsyncGenerator[T, None]],
) -> Callable[Concatenate[Client, P], Iterator[T]]:
    """Return a method that yields the items of a call on demand."""

    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return iterate(call(self.wire, *args, **kwargs))

    return method


class Client:
    """Client of one server; a context manager that closes its channel.

    Every method raises ClientError if its call fails. Reads are idempotent; changes carry a request id, so
    that retries in lower layers are safe.
    """

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self.wire = BlockingWire(address, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        run_now(self.wire.close())

    server_info = _one(server.info)

    sweep_name = _one(names.sweep_name)
    run_name = _one(names.run_name)
    run_names = _one(names.run_names)
    any_name = _one(names.any_name)
    find_sweep = _one(names.find_sweep)
    find_run = _one(names.find_run)
    get_run = _one(names.get_run)

    begin_sweep = _one(sweeps.create)
    preview_sweep = _one(sweeps.preview)
    get_sweep = _one(sweeps.get)
    list_sweeps = _many(sweeps.list_of)
    pause_sweep = _one(sweeps.pause)
    resume_sweep = _one(sweeps.resume)
    stop_sweep = _one(sweeps.stop)
    cancel_sweep = _one(sweeps.cancel)
    update_sweep = _one(sweeps.update)
    explain_sweep = _one(sweeps.explain)

    list_runs = _many(runs.list_of)
    list_prior_runs = _many(runs.prior_of)
    best_run = _one(runs.best_of)
    enqueue_run = _one(runs.enqueue)
    stop_run = _one(runs.stop)
    retry_runs = _one(runs.retry)
    explain_run = _one(runs.explain)

    follow_sweep = _many(following.follow)
    follow_run = _many(following.follow_run)
    sweep_until = _one(following.sweep_until)
    run_until = _one(following.run_until)

    history = _many(metrics.history)
    summaries = _many(metrics.summaries)
    export_points = _many(metrics.export)
    list_files = _many(metrics.files)
    read_file = _many(metrics.read_file)
    read_log = _many(logs.read)
    follow_log = _many(logs.follow)

    list_agents = _many(server.list_agents)
    release_agent = _one(server.release_agent)

    who_am_i = _one(server.who_am_i)
    create_token = _one(server.create_token)
    list_tokens = _many(server.tokens)
    revoke_token = _one(server.revoke_token)
    list_entities = _many(server.entities)
    list_projects = _many(server.projects)
