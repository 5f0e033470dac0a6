"""Standalone runs started by a script within a run of a sweep."""

from __future__ import annotations

import pytest

from sweepd.script import beside_sweep

SWEEP = {"SWEEPD_RUN_ID": "acme/mnist/k3-7", "SWEEPD_SWEEP_ID": "acme/mnist/k3"}
NAMED = {"WANDB_RUN_ID": "k3-7", "WANDB_SWEEP_ID": "k3"}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside_sweep, "_observed", False)
    monkeypatch.setattr(beside_sweep, "_requested", False)


def test_who_has_never_seen_the_variables_of_wandb_is_in_the_run() -> None:
    beside_sweep.observe(SWEEP)
    assert not beside_sweep.begins_standalone(SWEEP, None)


def test_who_has_taken_both_away_is_not_in_it_unless_the_run_is_asked_for() -> None:
    beside_sweep.observe(SWEEP | NAMED)
    assert not beside_sweep.begins_standalone(SWEEP | NAMED, None)
    assert not beside_sweep.begins_standalone(SWEEP | {"WANDB_SWEEP_ID": "k3"}, None)
    assert not beside_sweep.begins_standalone(SWEEP | {"WANDB_RUN_ID": "other"}, None)
    assert beside_sweep.begins_standalone(SWEEP, None)
    assert beside_sweep.begins_standalone(SWEEP, "other")
    assert not beside_sweep.begins_standalone(SWEEP, "k3-7")
    assert not beside_sweep.begins_standalone({}, None)


def test_a_new_set_up_counts_until_the_next_run_and_where_nothing_names_this_one() -> None:
    beside_sweep.request_standalone()
    assert beside_sweep.begins_standalone(SWEEP, None)
    assert not beside_sweep.begins_standalone(SWEEP | NAMED, None)
    assert not beside_sweep.begins_standalone(SWEEP, "k3-7")
    beside_sweep.reset()
    assert not beside_sweep.begins_standalone(SWEEP, None)
