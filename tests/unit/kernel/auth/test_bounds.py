"""Projects that a token is bound to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd import v1
from sweepd_kernel.auth.authenticator import check_names, check_scope
from sweepd_kernel.auth.principal import EVERYWHERE, FULL_ACCESS, SERVICE, Bounds, Principal
from sweepd_kernel.auth.scopes import Scope, rule_of
from sweepd_kernel.errors import NotAllowedError, NotFoundError

MNIST = Bounds(frozenset({"acme/mnist"}))
BOTH = Bounds(frozenset({"acme/mnist", "globex"}))
NAMES = st.sampled_from(["acme", "globex", "mnist", "cifar", "acme-2", "mnist-2"])
PROJECTS = st.frozensets(st.one_of(NAMES, st.tuples(NAMES, NAMES).map("/".join)), max_size=4)


@pytest.mark.parametrize(
    "name", ["acme/mnist", "acme/mnist/k3x9v2ab", "acme/mnist/k3x9v2ab-7", "globex/x/y:3"]
)
def test_a_name_in_a_project_of_the_bounds_is_covered(name: str) -> None:
    assert BOTH.covers_name(name)


@pytest.mark.parametrize(
    "name",
    ["acme/mnist-2/k", "acme/mnis/k", "acme2/mnist/k", "acme", "globex", "", "/", "/mnist", "acme//mnist/k"],
)
def test_a_name_outside_the_bounds_and_an_invalid_name_are_not_covered(name: str) -> None:
    assert not BOTH.covers_name(name)
    assert EVERYWHERE.covers_name(name)


@given(PROJECTS, PROJECTS, NAMES, NAMES)
def test_bounds_cover_all_that_included_bounds_cover(
    whole: frozenset[str], part: frozenset[str], e: str, p: str
) -> None:
    outer, inner = Bounds(whole), Bounds(part)
    if outer.includes(inner) and inner.covers(e, p):
        assert outer.covers(e, p)
        assert outer.touches(e)


@given(PROJECTS)
def test_bounds_include_themselves_and_only_unlimited_bounds_include_unlimited_ones(
    places: frozenset[str],
) -> None:
    bounds = Bounds(places)
    assert bounds.includes(bounds)
    assert EVERYWHERE.includes(bounds)
    assert bounds.includes(EVERYWHERE) == bounds.everywhere


def reader(bounds: Bounds) -> Principal:
    return Principal("ada", "person", Scope.READ, bounds, "k3x9v2ab4cde")


def test_a_scope_that_is_too_small_is_refused_with_the_one_needed() -> None:
    with pytest.raises(NotAllowedError) as refused:
        check_scope(reader(MNIST), "/sweepd.v1.SweepService/StopSweep")
    assert refused.value.metadata == {"method": "sweepd.v1.SweepService/StopSweep", "scope": "write"}
    assert refused.value.message == (
        "stopping a sweep needs a token of scope write, and this one has scope read; ask an admin to "
        "create one: `sweepctl token create --scope write`"
    )
    check_scope(SERVICE, "/sweepd.v1.MetricService/Append")
    with pytest.raises(
        NotAllowedError, match="Append is for the services of this server; no token allows it"
    ):
        check_scope(FULL_ACCESS, "/sweepd.v1.MetricService/Append")


def test_names_outside_the_bounds_do_not_exist_in_whatever_field_of_a_request() -> None:
    for method, request in (
        ("SweepService/UpdateSweep", v1.UpdateSweepRequest(sweep=v1.Sweep(name="acme/cifar/k"))),
        ("MetricService/GetHistory", v1.GetHistoryRequest(runs=["acme/mnist/k-1", "acme/cifar/k-1"])),
        ("RunService/RetryRuns", v1.RetryRunsRequest(names=["acme/mnist/k-1", "acme/cifar/k-1"])),
    ):
        rule = rule_of(f"/sweepd.v1.{method}")
        with pytest.raises(NotFoundError, match="acme/cifar/k"):
            check_names(reader(MNIST), rule, request)
        check_names(reader(EVERYWHERE), rule, request)
        check_names(reader(Bounds(frozenset({"acme"}))), rule, request)


def test_a_run_outside_the_bounds_is_refused_under_the_name_of_the_request() -> None:
    with pytest.raises(NotFoundError) as missed:
        check_names(
            reader(MNIST), rule_of("/sweepd.v1.RunService/GetRun"), v1.GetRunRequest(name="acme/cifar/k:7")
        )
    assert missed.value.metadata == {"name": "acme/cifar/k-7"}
