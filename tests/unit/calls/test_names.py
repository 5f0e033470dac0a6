"""Names as users type them, and the full names they resolve to."""

from __future__ import annotations

from typing import Any

import pytest

from sweepd import v1
from sweepd.calls import names
from sweepd.calls.names import Named
from sweepd.calls.wire import run_now
from sweepd.errors import InvalidError, NotFoundError, error_of
from sweepd.rpc.failure import Failure
from unit.calls.wires import NoWire

SWEEPS = ("local/train/abc", "local/other/abc", "acme/train/xyz", "acme/train/xyz-3")

STANDALONE = ("acme/train/byhand", "local/train/twice", "local/other/twice", "local/other/mine-7")


class Names(NoWire):
    """A server of fixed sweeps, standalone runs and projects; it counts the calls for its sweeps."""

    def __init__(self) -> None:
        self.listed = 0

    async def one(self, request: Any, response: Any, *, seconds: float = 0.0) -> Any:
        if isinstance(request, v1.ListSweepsRequest):
            self.listed += 1
            return v1.ListSweepsResponse(sweeps=[v1.Sweep(name=name) for name in SWEEPS])
        if isinstance(request, v1.ListProjectsRequest):
            projects = ("acme/train", "local/other", "local/train")
            return v1.ListProjectsResponse(projects=[v1.Project(name=name) for name in projects])
        if isinstance(request, v1.GetSweepRequest) and request.name in SWEEPS:
            return v1.GetSweepResponse(sweep=v1.Sweep(name=request.name))
        if isinstance(request, v1.GetRunRequest) and request.name in STANDALONE:
            return v1.GetRunResponse(run=v1.Run(name=request.name))
        raise error_of(Failure(code="NOT_FOUND", message=request.name), "nowhere:1")


def sweep_name(text: str) -> str:
    return run_now(names.sweep_name(Names(), text))


def run_name(text: str) -> str:
    return run_now(names.run_name(Names(), text))


def any_name(text: str) -> Named:
    return run_now(names.any_name(Names(), text))


def test_a_full_name_is_taken_as_it_is_where_it_exists() -> None:
    assert sweep_name("acme/train/xyz") == "acme/train/xyz"
    with pytest.raises(NotFoundError, match="no sweep named some/where/else"):
        sweep_name("some/where/else")


def test_a_bare_id_and_a_project_with_an_id_are_found() -> None:
    assert sweep_name("xyz") == "acme/train/xyz"
    assert sweep_name("other/abc") == "local/other/abc"


def test_an_ambiguous_id_is_refused_with_the_full_names() -> None:
    with pytest.raises(InvalidError, match="local/other/abc, local/train/abc"):
        sweep_name("abc")


def test_an_unknown_id_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="no sweep named nope"):
        sweep_name("nope")


@pytest.mark.parametrize("text", ["", "a/b/c/d", "a//b", "/a"])
def test_a_malformed_name_is_a_usage_error(text: str) -> None:
    with pytest.raises(InvalidError):
        sweep_name(text)


def test_a_run_is_named_by_its_id_or_by_sweep_and_number() -> None:
    assert run_name("xyz-7") == "acme/train/xyz-7"
    assert run_name("train/xyz-7") == "acme/train/xyz-7"
    assert run_name("xyz:7") == "acme/train/xyz:7"
    assert run_name("acme/train/xyz:7") == "acme/train/xyz:7"


def test_a_sweep_is_not_a_run_and_a_run_not_a_sweep() -> None:
    for sweep in ("xyz", "acme/train/xyz"):
        with pytest.raises(InvalidError, match=f"{sweep} is a sweep"):
            run_now(names.find_run(Names(), sweep))
    for run in ("xyz:7", "xyz-7"):
        with pytest.raises(InvalidError, match=f"{run} is a run; expected a sweep") as refusal:
            sweep_name(run)
        assert "xyz" in refusal.value.next_step


@pytest.mark.parametrize("run", ["byhand", "train/byhand", "acme/train/byhand", "local/other/mine-7"])
def test_a_standalone_run_in_place_of_a_sweep_is_reported_as_such(run: str) -> None:
    with pytest.raises(
        InvalidError, match=f"{run} is a standalone run, which belongs to no sweep"
    ) as refusal:
        sweep_name(run)
    assert f"`sweepctl stop {run}`" in refusal.value.next_step


@pytest.mark.parametrize("text", ["other", "local/other"])
def test_a_project_in_place_of_a_sweep_or_run_is_reported_as_such(text: str) -> None:
    for resolve in (names.sweep_name, names.run_name, names.any_name):
        with pytest.raises(NotFoundError, match=f"^{text} is a project; expected a ") as refusal:
            run_now(resolve(Names(), text))
        assert "`sweepctl list local/other`" in refusal.value.next_step


def test_a_name_is_resolved_to_a_sweep_or_a_run() -> None:
    assert any_name("xyz") == Named("acme/train/xyz", is_run=False)
    assert any_name("xyz-7") == Named("acme/train/xyz-7", is_run=True)
    assert any_name("acme/train/xyz-7") == Named("acme/train/xyz-7", is_run=True)
    assert any_name("acme/train/xyz:7") == Named("acme/train/xyz:7", is_run=True)


def test_a_sweep_whose_id_looks_like_a_run_s_is_the_sweep() -> None:
    assert any_name("xyz-3") == Named("acme/train/xyz-3", is_run=False)
    assert any_name("acme/train/xyz-3") == Named("acme/train/xyz-3", is_run=False)


def test_a_standalone_run_is_found_in_whichever_project_it_is() -> None:
    assert run_name("byhand") == "acme/train/byhand"
    assert any_name("byhand") == Named("acme/train/byhand", is_run=True)
    assert any_name("train/byhand") == Named("acme/train/byhand", is_run=True)
    assert any_name("acme/train/byhand") == Named("acme/train/byhand", is_run=True)


def test_a_standalone_run_may_have_an_id_like_a_run_of_a_sweep() -> None:
    assert run_name("mine-7") == "local/other/mine-7"


def test_an_id_of_standalone_runs_in_several_projects_is_refused_with_their_names() -> None:
    with pytest.raises(InvalidError, match="local/other/twice, local/train/twice"):
        run_name("twice")
    assert run_name("other/twice") == "local/other/twice"


def test_many_runs_can_be_named_in_every_form_with_one_call_per_sweep() -> None:
    server = Names()
    texts = ["xyz-1", "xyz:2", "train/xyz-3", "acme/train/xyz:4", "local/train/abc-5", "mine-7", "byhand"]
    assert run_now(names.run_names(server, [*texts, *(f"xyz-{n}" for n in range(8, 500))]))[:8] == [
        "acme/train/xyz-1",
        "acme/train/xyz-2",
        "acme/train/xyz-3",
        "acme/train/xyz-4",
        "local/train/abc-5",
        "local/other/mine-7",
        "acme/train/byhand",
        "acme/train/xyz-8",
    ]
    assert server.listed < 10


@pytest.mark.parametrize("text", [":7", "xyz:", "xyz:x", "xyz:\u0663"])
def test_an_invalid_run_number_is_refused(text: str) -> None:
    for resolve in (names.run_name, names.any_name, names.find_run):
        with pytest.raises(InvalidError, match="write SWEEP:NUMBER"):
            run_now(resolve(Names(), text))


def test_a_missing_run_is_distinguished_from_its_missing_sweep() -> None:
    with pytest.raises(NotFoundError, match="acme/train/xyz has no run 9; `sweepctl runs ") as raised:
        run_now(names.find_run(Names(), "xyz:9"))
    assert (raised.value.code, raised.value.reason) == ("NOT_FOUND", "no-such-name")
    with pytest.raises(NotFoundError, match="no run named nope"):
        run_now(names.find_run(Names(), "nope"))
