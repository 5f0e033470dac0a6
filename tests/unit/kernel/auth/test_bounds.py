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
WORDS = st.sampled_from(["acme", "globex", "mnist", "cifar", "acme-2", "mnist-2"])
PLACES = st.frozensets(st.one_of(WORDS, st.tuples(WORDS, WORDS).map("/".join)), max_size=4)


@pytest.mark.parametrize(
    "name", ["acme/mnist", "acme/mnist/k3x9v2ab", "acme/mnist/k3x9v2ab-7", "globex/x/y:3"]
)
def test_what_lies_inside_is_seen(name: str) -> None:
    assert BOTH.covers_name(name)


@pytest.mark.parametrize(
    "name",
    ["acme/mnist-2/k", "acme/mnis/k", "acme2/mnist/k", "acme", "globex", "", "/", "/mnist", "acme//mnist/k"],
)
def test_what_lies_outside_or_is_no_name_is_not(name: str) -> None:
    assert not BOTH.covers_name(name)
    assert EVERYWHERE.covers_name(name)


@given(PLACES, PLACES, WORDS, WORDS)
def test_what_lies_in_a_part_lies_in_the_whole(
    whole: frozenset[str], part: frozenset[str], e: str, p: str
) -> None:
    outer, inner = Bounds(whole), Bounds(part)
    if outer.includes(inner) and inner.covers(e, p):
        assert outer.covers(e, p)
        assert outer.touches(e)


@given(PLACES)
def test_bounds_include_themselves_and_only_everywhere_includes_everywhere(places: frozenset[str]) -> None:
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


def test_names_outside_do_not_exist_wherever_they_stand_in_a_request() -> None:
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


def test_a_run_by_its_alias_is_missed_by_its_name() -> None:
    with pytest.raises(NotFoundError) as missed:
        check_names(
            reader(MNIST), rule_of("/sweepd.v1.RunService/GetRun"), v1.GetRunRequest(name="acme/cifar/k:7")
        )
    assert missed.value.metadata == {"name": "acme/cifar/k-7"}
