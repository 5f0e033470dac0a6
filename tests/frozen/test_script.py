"""Environment variables of a trial, and public names of the module `wandb`."""

from __future__ import annotations

import json
from typing import Any, cast

from frozen.golden_files import Golden, Unchanged
from frozen.prepared_server import PreparedServer


def test_variables_of_a_trial(prepared: PreparedServer, unchanged: Unchanged) -> None:
    ours = [
        name for name in cast("list[Golden]", prepared.found["environment"]) if name != "SWEEPD_TEST_MARK"
    ]
    unchanged("variables_of_a_trial", ours)


def test_names_of_the_wandb_module(prepared: PreparedServer, unchanged: Unchanged) -> None:
    unchanged("wandb", cast("Any", prepared.found["wandb"]))
    unchanged("wandb_submodules", cast("Any", prepared.found["wandb modules"]))
    assert json.dumps(prepared.found["wandb"])
