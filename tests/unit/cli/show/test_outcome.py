"""Message of `sweepctl run` when all runs have failed."""

from __future__ import annotations

import pytest

from sweepd.cli.show.outcome import remedy

FAILED = "exited with code 1: ModuleNotFoundError: No module named "


@pytest.mark.parametrize(
    ("module", "has_compat", "message"),
    [
        ("wandb", False, "`compat: wandb`"),
        ("wandb", True, ""),
        ("sweepd", False, "activate the environment"),
        ("sweepd", True, "activate the environment"),
        ("torch", False, ""),
    ],
)
def test_a_missing_module_is_reported_with_the_way_to_get_it(
    module: str, has_compat: bool, message: str
) -> None:
    lines = remedy(f"{FAILED}'{module}'", has_compat=has_compat)
    assert bool(lines) == bool(message)
    assert message in "".join(lines)
