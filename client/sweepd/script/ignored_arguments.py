"""Warnings about arguments of `init` and variables that have no effect."""

import sys
from collections.abc import Mapping

from sweepd.script.folder.standalone import name_part
from sweepd.script.notices import Notices
from sweepd.script.run.run import Run
from sweepd.script.settings import VARIABLES, RunOptions

_INSTEAD = {"sync_tensorboard": "; `metrics_from: {tensorboard: DIR}` in the sweep file reads event files"}


def warn_of_ignored(arguments: Mapping[str, object], notices: Notices) -> None:
    """Warn of given arguments of `init` that have no effect, and name the alternative."""
    for word, value in arguments.items():
        if value:
            notices.once(word, f"init({word}=…) has no effect here{_INSTEAD.get(word, '')}")


def warn_of_sweep_names(run_name: str, wanted: RunOptions, notices: Notices) -> None:
    """Warn of names that have no effect because the sweep determines them."""
    entity, project, run_id = run_name.split("/", 2)
    for word, asked, given in (
        ("entity", wanted.entity, entity),
        ("project", wanted.project, project),
        ("id", wanted.id, run_id),
    ):
        if _differs(asked, given):
            notices.once(word, f"init({word}={asked!r}) has no effect in a sweep: it is {given!r}")


def warn_of_late_names(run: Run, wanted: RunOptions, notices: Notices) -> None:
    """Warn of names that have no effect because the run had begun without `init`."""
    for word, asked, given in (
        ("project", wanted.project, run.project),
        ("entity", wanted.entity, run.entity),
        ("id", wanted.id, run.id),
        # The default may have been impossible, which was reported.
        ("mode", None if wanted.mode == "online" else wanted.mode, run.mode),
    ):
        if _differs(asked, given):
            notices.once(
                word, f"init({word}={asked!r}) has no effect, as the run had begun before: it is {given!r}"
            )


def warn_of_wandb_variables(environ: Mapping[str, str], wanted: RunOptions, notices: Notices) -> None:
    """Warn of W&B's variables that are set and have a counterpart which is not."""
    if "wandb" in sys.modules:
        return  # the script uses that package
    defaults = RunOptions()
    for word, ours in VARIABLES.items():
        theirs = ours.replace("SWEEPD_", "WANDB_")
        if word != "silent" and environ.get(theirs) and getattr(wanted, word) == getattr(defaults, word):
            notices.once(theirs, f"{theirs} is set, and has no effect here; {ours} is the one to set")
    if environ.get("WANDB_RUN_ID") and wanted.id is None:
        notices.once("WANDB_RUN_ID", "WANDB_RUN_ID is set, and has no effect here; pass init(id=…) instead")


def _differs(asked: str | None, given: str) -> bool:
    return asked not in (None, given) and name_part(asked or "") != given
