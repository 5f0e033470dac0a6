"""What people type, and the full names that it means."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sweepd import v1
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.names import Named, any_name, find_run, run_name, sweep_name
from sweepd.cli.problem import Problem
from sweepd.errors import error_of
from sweepd.rpc_error import Failure
from unit.cli.messages import a_sweep

SWEEPS = ("local/train/abc", "local/other/abc", "acme/train/xyz", "acme/train/xyz-3")

ALONE = ("acme/train/byhand", "local/train/twice", "local/other/twice", "local/other/mine-7")


class Names:
    """A directory of fixed sweeps."""

    def get_sweep(self, name: str) -> v1.Sweep:
        if name not in SWEEPS:
            raise error_of(Failure(code="NOT_FOUND", message=name), "nowhere:1")
        return a_sweep(name)

    def get_run(self, name: str) -> v1.Run:
        if name in ALONE:
            return v1.Run(name=name)
        raise error_of(Failure(code="NOT_FOUND", message=name), "nowhere:1")

    def list_sweeps(self, parent: str = "") -> Iterator[v1.Sweep]:
        return map(a_sweep, SWEEPS)

    def list_projects(self) -> Iterator[v1.Project]:
        return (v1.Project(name=name) for name in ("acme/train", "local/other", "local/train"))


def test_a_full_name_is_taken_as_it_is_where_it_exists() -> None:
    assert sweep_name(Names(), "acme/train/xyz") == "acme/train/xyz"
    with pytest.raises(Problem, match="no sweep named some/where/else") as refusal:
        sweep_name(Names(), "some/where/else")
    assert refusal.value.exit_code == ExitCode.NOT_FOUND


def test_a_bare_id_and_a_project_with_an_id_are_found() -> None:
    assert sweep_name(Names(), "xyz") == "acme/train/xyz"
    assert sweep_name(Names(), "other/abc") == "local/other/abc"


def test_an_id_that_several_have_is_refused_with_their_names() -> None:
    with pytest.raises(Problem, match="local/other/abc, local/train/abc") as refusal:
        sweep_name(Names(), "abc")
    assert refusal.value.exit_code == ExitCode.USAGE


def test_an_id_that_nobody_has_is_not_found() -> None:
    with pytest.raises(Problem, match="no sweep named nope") as refusal:
        sweep_name(Names(), "nope")
    assert refusal.value.exit_code == ExitCode.NOT_FOUND


@pytest.mark.parametrize("text", ["", "a/b/c/d", "a//b", "/a"])
def test_what_cannot_be_a_name_is_a_wrong_call(text: str) -> None:
    with pytest.raises(Problem) as refusal:
        sweep_name(Names(), text)
    assert refusal.value.exit_code == ExitCode.USAGE


def test_a_run_is_named_by_its_id_or_by_sweep_and_number() -> None:
    assert run_name(Names(), "xyz-7") == "acme/train/xyz-7"
    assert run_name(Names(), "train/xyz-7") == "acme/train/xyz-7"
    assert run_name(Names(), "xyz:7") == "acme/train/xyz:7"
    assert run_name(Names(), "acme/train/xyz:7") == "acme/train/xyz:7"


def test_a_sweep_is_not_a_run_and_a_run_not_a_sweep() -> None:
    for sweep in ("xyz", "acme/train/xyz"):
        with pytest.raises(Problem, match=f"{sweep} is a sweep"):
            find_run(Names(), sweep)
    for run in ("xyz:7", "xyz-7"):
        with pytest.raises(Problem, match=f"{run} is a run; a sweep is wanted") as refusal:
            sweep_name(Names(), run)
        assert "xyz" in refusal.value.next_step


@pytest.mark.parametrize("run", ["byhand", "train/byhand", "acme/train/byhand", "local/other/mine-7"])
def test_a_run_by_hand_in_place_of_a_sweep_is_said_to_be_one(run: str) -> None:
    with pytest.raises(Problem, match=f"{run} is a run by hand, which belongs to no sweep") as refusal:
        sweep_name(Names(), run)
    assert refusal.value.exit_code == ExitCode.USAGE
    assert f"`sweepctl stop {run}`" in refusal.value.next_step


def test_a_name_is_known_to_be_a_sweep_or_a_run() -> None:
    assert any_name(Names(), "xyz") == Named("acme/train/xyz", is_run=False)
    assert any_name(Names(), "xyz-7") == Named("acme/train/xyz-7", is_run=True)
    assert any_name(Names(), "acme/train/xyz-7") == Named("acme/train/xyz-7", is_run=True)
    assert any_name(Names(), "acme/train/xyz:7") == Named("acme/train/xyz:7", is_run=True)


def test_a_sweep_whose_id_looks_like_a_run_s_is_the_sweep() -> None:
    assert any_name(Names(), "xyz-3") == Named("acme/train/xyz-3", is_run=False)
    assert any_name(Names(), "acme/train/xyz-3") == Named("acme/train/xyz-3", is_run=False)


def test_a_stand_alone_run_is_found_in_whichever_project_it_is() -> None:
    assert run_name(Names(), "byhand") == "acme/train/byhand"
    assert any_name(Names(), "byhand") == Named("acme/train/byhand", is_run=True)
    assert any_name(Names(), "train/byhand") == Named("acme/train/byhand", is_run=True)
    assert any_name(Names(), "acme/train/byhand") == Named("acme/train/byhand", is_run=True)


def test_a_stand_alone_run_may_look_like_one_of_a_sweep() -> None:
    assert run_name(Names(), "mine-7") == "local/other/mine-7"


def test_a_stand_alone_run_of_several_projects_is_refused_with_its_names() -> None:
    with pytest.raises(Problem, match="local/other/twice, local/train/twice") as refusal:
        run_name(Names(), "twice")
    assert refusal.value.exit_code is ExitCode.USAGE
    assert run_name(Names(), "other/twice") == "local/other/twice"
