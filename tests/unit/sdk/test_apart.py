"""When a script begins a run of its own within that of a sweep."""

from __future__ import annotations

import pytest

from sweepd.script import apart

SWEEP = {"SWEEPD_RUN_ID": "acme/mnist/k3-7", "SWEEPD_SWEEP_ID": "acme/mnist/k3"}
NAMED = {"WANDB_RUN_ID": "k3-7", "WANDB_SWEEP_ID": "k3"}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_seen", False)
    monkeypatch.setattr(apart, "_anew", False)


def test_who_has_never_seen_the_variables_of_wandb_is_in_the_run() -> None:
    apart.see(SWEEP)
    assert not apart.is_apart(SWEEP, None)


def test_who_has_taken_both_away_is_not_in_it_unless_the_run_is_asked_for() -> None:
    apart.see(SWEEP | NAMED)
    assert not apart.is_apart(SWEEP | NAMED, None)
    assert not apart.is_apart(SWEEP | {"WANDB_SWEEP_ID": "k3"}, None)
    assert not apart.is_apart(SWEEP | {"WANDB_RUN_ID": "other"}, None)
    assert apart.is_apart(SWEEP, None)
    assert apart.is_apart(SWEEP, "other")
    assert not apart.is_apart(SWEEP, "k3-7")
    assert not apart.is_apart({}, None)


def test_a_new_set_up_counts_until_the_next_run_and_where_nothing_names_this_one() -> None:
    apart.set_up_anew()
    assert apart.is_apart(SWEEP, None)
    assert not apart.is_apart(SWEEP | NAMED, None)
    assert not apart.is_apart(SWEEP, "k3-7")
    apart.forget()
    assert not apart.is_apart(SWEEP, None)
