"""Standalone runs started by a script within a run of a sweep."""

from __future__ import annotations

import pytest

from sweepd.compat import environment

SWEEP = {"SWEEPD_RUN_ID": "acme/mnist/k3-7", "SWEEPD_SWEEP_ID": "acme/mnist/k3"}
NAMED = {"WANDB_RUN_ID": "k3-7", "WANDB_SWEEP_ID": "k3"}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_observed", False)
    monkeypatch.setattr(environment, "_requested", False)


def test_a_script_that_did_not_have_the_variables_of_wandb_is_in_the_run_of_the_sweep() -> None:
    environment.take_over({**SWEEP})
    assert not environment.begins_standalone(SWEEP, None)


def test_a_script_that_removed_both_variables_begins_a_standalone_run_unless_it_names_the_run() -> None:
    environment.take_over({**SWEEP, **NAMED})
    assert not environment.begins_standalone(SWEEP | NAMED, None)
    assert not environment.begins_standalone(SWEEP | {"WANDB_SWEEP_ID": "k3"}, None)
    assert not environment.begins_standalone(SWEEP | {"WANDB_RUN_ID": "other"}, None)
    assert environment.begins_standalone(SWEEP, None)
    assert environment.begins_standalone(SWEEP, "other")
    assert not environment.begins_standalone(SWEEP, "k3-7")
    assert not environment.begins_standalone({}, None)


def test_a_request_for_a_standalone_run_counts_for_the_next_run_unless_that_names_this_one() -> None:
    environment.request_standalone()
    assert environment.begins_standalone(SWEEP, None)
    assert not environment.begins_standalone(SWEEP | NAMED, None)
    assert not environment.begins_standalone(SWEEP, "k3-7")
    environment.forget_request()
    assert not environment.begins_standalone(SWEEP, None)
