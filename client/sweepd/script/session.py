"""The functions that a training script calls, and the one run that they act on."""

import atexit
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from sweepd.script.config import Config, Values
from sweepd.script.folder import RunFolder, given_folder, new_folder
from sweepd.script.run import Run

_run: Run | None = None
# Names of the variables set for child processes of a run with a folder of its own.
_told: list[str] = []
_lock = threading.RLock()


def init(*, config: Values | None = None) -> Run:
    """Begin the run of this process, or return the one that is under way.

    Under an agent it is the run that was handed out. Otherwise it gets a folder below `sweepd-runs`.

    Args:
        config: values by name, a dictionary or an argparse namespace. They are defaults: those of the sweep
            win, within groups too.

    Raises:
        RuntimeError: the run's parameters cannot be read.
    """
    with _lock:
        run = _run
        if run is None or run.finished:
            return _begin({} if config is None else config, counts_steps=True)
        if config is not None:
            run.config.setdefaults(config)
        run.count_steps()
        return run


def log(data: Mapping[str, object], step: int | None = None, commit: bool | None = None) -> None:
    """Add metrics to the run, see `Run.log`; begins one if there has been none."""
    run = _run or _implied_run()
    run.log(data, step=step, commit=commit)


def finish(exit_code: int = 0) -> None:
    """End the run, see `Run.finish`. Without a run it does nothing."""
    if _run is not None:
        _run.finish(exit_code)


def config() -> Config:
    """Return the configuration of the run.

    Raises:
        AttributeError: there is no run yet, and no agent has handed one out.
    """
    if _run is None and given_folder(os.environ) is None:
        raise AttributeError("sweepd.config: call sweepd.init() first")
    return (_run or _implied_run()).config


def _implied_run() -> Run:
    """Begin a run without `init`: a script that only logs, or a child that a script has spawned."""
    with _lock:
        return _run or _begin({}, counts_steps=not _is_spawned_child())


def _begin(defaults: Values, *, counts_steps: bool) -> Run:
    global _run
    while _told:  # an earlier run of this process: its folder is not for this one
        os.environ.pop(_told.pop(), None)
    folder = given_folder(os.environ)
    if folder is None:
        folder = new_folder(Path.cwd(), program=sys.argv[0], now=time.time())
        _tell_children(folder.environment())
        _say_where(folder)
    config = Config(folder.params)
    config.setdefaults(defaults)
    run = _run = Run(folder, config, counts_steps=counts_steps)
    atexit.register(run.release)
    return run


def _tell_children(variables: Mapping[str, str]) -> None:
    os.environ.update(variables)
    _told.extend(variables)


def _say_where(folder: RunFolder) -> None:
    if sys.stderr is not None:
        where = folder.path.relative_to(Path.cwd())
        sys.stderr.write(f"sweepd: not in a sweep; this run is kept in {where}\n")


def _is_spawned_child() -> bool:
    """Return whether `multiprocessing` started this process; it is not imported to find out."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)
