"""Environment variables of a trial, and the names in W&B's module."""

from __future__ import annotations

import json
from typing import Any, cast

from frozen.golden_files import Golden, Unchanged
from frozen.played_through import PlayedThrough


def test_variables_of_a_trial(played: PlayedThrough, unchanged: Unchanged) -> None:
    ours = [name for name in cast("list[Golden]", played.found["environment"]) if name != "SWEEPD_TEST_MARK"]
    unchanged("variables_of_a_trial", ours)


def test_names_of_the_module_of_wandb(played: PlayedThrough, unchanged: Unchanged) -> None:
    unchanged("wandb", cast("Any", played.found["wandb"]))
    unchanged("wandb_submodules", cast("Any", played.found["wandb modules"]))
    assert json.dumps(played.found["wandb"])
