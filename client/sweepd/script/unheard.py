"""Names that a script asks for and does not get: each is said once, and it goes on."""

import sys
from collections.abc import Mapping

from sweepd.script.notices import Notices
from sweepd.script.own_folder import named
from sweepd.script.run import Run
from sweepd.script.settings import VARIABLES, Wishes

_INSTEAD = {"sync_tensorboard": "; `metrics_from: {tensorboard: DIR}` in the sweep file has event files read"}


def say_what_has_no_effect(arguments: Mapping[str, object], notices: Notices) -> None:
    """Say which arguments of `init` that were given have no effect, and what to do instead."""
    for word, value in arguments.items():
        if value:
            notices.once(word, f"init({word}=…) has no effect here{_INSTEAD.get(word, '')}")


def say_what_the_sweep_decides(run_name: str, wanted: Wishes, notices: Notices) -> None:
    """Say which names have no effect because the sweep decides."""
    entity, project, run_id = run_name.split("/", 2)
    for word, asked, given in (
        ("entity", wanted.entity, entity),
        ("project", wanted.project, project),
        ("id", wanted.id, run_id),
    ):
        if _differs(asked, given):
            notices.once(word, f"init({word}={asked!r}) has no effect in a sweep: it is {given!r}")


def say_what_comes_late(run: Run, wanted: Wishes, notices: Notices) -> None:
    """Say which names have no effect because the run had begun without `init`."""
    for word, asked, given in (
        ("project", wanted.project, run.project),
        ("entity", wanted.entity, run.entity),
        ("id", wanted.id, run.id),
        # What it is without a word may not have been possible, which was said.
        ("mode", None if wanted.mode == "online" else wanted.mode, run.mode),
    ):
        if _differs(asked, given):
            notices.once(word, f"init({word}={asked!r}) comes after what has begun the run: it is {given!r}")


def say_which_variables_are_others(environ: Mapping[str, str], wanted: Wishes, notices: Notices) -> None:
    """Say which variables of W&B's, set for this script, would have named its run as ours do."""
    if "wandb" in sys.modules:
        return  # they are for that one
    unsaid = Wishes()
    for word, ours in VARIABLES.items():
        theirs = ours.replace("SWEEPD_", "WANDB_")
        if word != "silent" and environ.get(theirs) and getattr(wanted, word) == getattr(unsaid, word):
            notices.once(theirs, f"{theirs} is set, and has no effect here; {ours} is the one to set")
    if environ.get("WANDB_RUN_ID") and wanted.id is None:
        notices.once("WANDB_RUN_ID", "WANDB_RUN_ID is set, and has no effect here; say init(id=…) instead")


def _differs(asked: str | None, given: str) -> bool:
    return asked not in (None, given) and named(asked or "") != given
