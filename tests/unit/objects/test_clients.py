"""Both clients have the same methods, follow the contract, and read only requested pages."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import descriptor_pool

import sweepd
from sweepd import AsyncClient, AsyncStoredRun, AsyncSweep, Client, StoredRun, Sweep, errors, v1
from sweepd.calls.wire import iterate, path_of
from sweepd.errors import error_of
from sweepd.objects import reading
from sweepd.objects.arguments import seconds_of
from sweepd.rpc.failure import Failure
from unit.calls.wires import NoWire
from unit.objects.messages import a_run

COUNTERPARTS = [(Client, AsyncClient), (Sweep, AsyncSweep), (StoredRun, AsyncStoredRun)]


@pytest.mark.parametrize(("blocking", "awaited"), COUNTERPARTS)
def test_async_counterparts_have_the_same_methods_with_the_same_arguments(
    blocking: type, awaited: type
) -> None:
    assert _public(blocking) == _public(awaited)
    assert _public(blocking)["wait" if blocking is not Client else "create"]


@pytest.mark.parametrize("kind", [kind for pair in COUNTERPARTS for kind in pair])
def test_every_public_method_has_a_docstring(kind: type) -> None:
    for name, member in inspect.getmembers(kind):
        if not name.startswith("_") and (callable(member) or isinstance(member, property)):
            assert inspect.getdoc(member), f"{kind.__name__}.{name}"


def test_the_paths_of_calls_are_those_of_the_contract() -> None:
    for subject in ("Sweep", "Run", "Metric", "Agent", "Account", "Server"):
        service = descriptor_pool.Default().FindServiceByName(f"sweepd.v1.{subject}Service")
        for method in service.methods:
            request, response = (getattr(v1, kind.name) for kind in (method.input_type, method.output_type))
            assert path_of(request(), response) == f"/{service.full_name}/{method.name}"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("NOT_FOUND", errors.NotFoundError),
        ("UNAUTHENTICATED", errors.DeniedError),
        ("PERMISSION_DENIED", errors.DeniedError),
        ("FAILED_PRECONDITION", errors.WrongStateError),
        ("ABORTED", errors.ConflictError),
        ("ALREADY_EXISTS", errors.ConflictError),
        ("INVALID_ARGUMENT", errors.InvalidError),
        ("UNAVAILABLE", errors.UnreachableError),
        ("DEADLINE_EXCEEDED", errors.UnreachableError),
        ("INTERNAL", errors.FailedError),
    ],
)
def test_each_status_raises_its_exception(code: str, kind: type[errors.ClientError]) -> None:
    failure = Failure(
        code=code, message="no", reason="r", metadata={"name": "x"}, violations=(("a.b", "bad"),)
    )
    error = error_of(failure, "host:1")
    assert type(error) is kind
    assert isinstance(error, sweepd.Error)
    assert (error.code, error.reason, error.metadata) == (code, "r", {"name": "x"})
    if code == "DEADLINE_EXCEEDED":
        assert str(error) == "the server at host:1 did not answer in time"
    if isinstance(error, errors.InvalidError):
        assert str(error) == "no\na.b: bad"
        assert error.violations == (("a.b", "bad"),)


def test_an_unavailable_server_is_reported_with_the_command_that_starts_one() -> None:
    refused = "failed to connect to all addresses; last error: UNKNOWN: connection refused"
    error = error_of(Failure(code="UNAVAILABLE", message=refused), "host:1")
    assert error.message == "no server answers at host:1 (connection refused)"
    assert error.next_step.startswith("start one with `sweepd up -d`")
    assert str(error) == f"{error.message}; {error.next_step}"
    assert (error.said, error.address) == (refused, "host:1")


class _Pages(NoWire):
    """Server with three pages of runs or sweeps that counts its requests."""

    def __init__(self) -> None:
        self.asked = 0

    async def one(self, request: Any, response: Any, *, seconds: float = 0.0) -> Any:
        self.asked += 1
        page = int(request.page_token or "0")
        after = str(page + 1) if page < 2 else ""
        if isinstance(request, v1.ListRunsRequest):
            runs = [a_run(10 * page + number, float(number)) for number in (1, 2)]
            return v1.ListRunsResponse(runs=runs, next_page_token=after)
        sweeps = [v1.Sweep(name=f"a/p{page}/s{number}") for number in (1, 2)]
        return v1.ListSweepsResponse(sweeps=sweeps, next_page_token=after)


def _numbers(runs: Iterator[v1.Run]) -> list[int]:
    return [run.number for run in runs]


def test_a_page_is_fetched_only_when_it_is_read() -> None:
    pages = _Pages()
    runs = iterate(reading.list_runs(pages, "a/b/c"))
    assert pages.asked == 0
    assert [next(runs).number, next(runs).number, pages.asked] == [1, 2, 1]
    assert (_numbers(runs), pages.asked) == ([11, 12, 21, 22], 3)
    assert _numbers(iterate(reading.list_runs(pages, "a/b/c", limit=1))) == [1]
    assert _numbers(iterate(reading.list_runs(pages, "a/b/c", limit=0))) == []
    assert pages.asked == 4
    filtered = reading.list_runs(pages, "a/b/c", filters=["number>10"], limit=3)
    assert _numbers(iterate(filtered)) == [11, 12, 21]


def test_sweeps_of_a_project_name_are_found_in_any_entity() -> None:
    assert [sweep.name for sweep in iterate(reading.list_sweeps(_Pages(), project="p2"))] == [
        "a/p2/s1",
        "a/p2/s2",
    ]


@pytest.mark.parametrize(
    ("given", "seconds"), [(None, None), (0, 0.0), ("1m30s", 90.0), (math.inf, None), (2.5, 2.5)]
)
def test_a_time_limit_is_seconds_a_duration_or_none(given: float | str | None, seconds: float | None) -> None:
    assert seconds_of(given) == seconds


@pytest.mark.parametrize("given", [-1, math.nan, "soon", "", [1]])
def test_an_invalid_time_limit_is_refused(given: Any) -> None:
    with pytest.raises(errors.InvalidError, match="invalid time limit"):
        seconds_of(given)


def test_every_public_name_exists() -> None:
    for name in ("Client", "AsyncClient", "Sweep", "StoredRun", "Api", "History", *errors.__all__):
        assert name in sweepd.__all__
        assert getattr(sweepd, name).__doc__


def _public(kind: type) -> dict[str, list[tuple[str, Any]]]:
    return {
        name: [(each.name, each.default) for each in inspect.signature(member).parameters.values()]
        for name, member in inspect.getmembers(kind, callable)
        if not name.startswith("_")
    }
