"""The functions that a training script calls, and the one run that they act on."""

import atexit
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from sweepd.script import apart, pushing
from sweepd.script.config import Config, Values, as_mapping, chosen
from sweepd.script.defaults_file import file_defaults
from sweepd.script.ending import Ending
from sweepd.script.errors import UsageError
from sweepd.script.folder import RunFolder, given_folder
from sweepd.script.notices import Notices, print_line
from sweepd.script.own_folder import folder_for, no_folder
from sweepd.script.run import Run
from sweepd.script.settings import Settings, Wishes, wishes
from sweepd.script.summary import Summary
from sweepd.script.trouble import LEFT, say_trouble, shown
from sweepd.script.unheard import (
    say_what_comes_late,
    say_what_has_no_effect,
    say_what_the_sweep_decides,
    say_which_variables_are_others,
)
from sweepd.script.yaml_dumpers import introduce

_run: Run | None = None
# Whether that was begun without `init`, by what a script has read or logged.
_implied = False
# The one that an agent has handed out to this process, once it was begun.
_handed_out: Run | None = None
# What variables were before child processes were told of a run with a folder of its own; None: they were not.
_told: dict[str, str | None] = {}
_lock = threading.RLock()
# Variables that a run with a folder of its own has not.
_OF_A_SWEEP = ("SWEEPD_SWEEP_ID", "SWEEPD_SWEEP_PARAM_PATH", "SWEEPD_REPEAT")
_notices = Notices()
_ending = Ending()


def init(
    entity: str | None = None,
    project: str | None = None,
    dir: str | Path | None = None,  # noqa: A002 (W&B's name)
    id: str | None = None,  # noqa: A002 (W&B's name)
    name: str | None = None,
    notes: str | None = None,
    tags: Sequence[str] | None = None,
    config: Values | None = None,
    config_exclude_keys: list[str] | None = None,
    config_include_keys: list[str] | None = None,
    allow_val_change: bool | None = None,
    group: str | None = None,
    job_type: str | None = None,
    mode: str | None = None,
    force: bool | None = None,
    reinit: bool | str | None = None,
    resume: bool | str | None = None,
    resume_from: str | None = None,
    fork_from: str | None = None,
    save_code: bool | None = None,
    tensorboard: bool | None = None,
    sync_tensorboard: bool | None = None,
    monitor_gym: bool | None = None,
    settings: Settings | Mapping[str, object] | None = None,
    **ignored: object,
) -> Run:
    """Begin the run of this process, or return the one that is under way.

    Under an agent it is the run that was handed out; its names are those of the sweep. Otherwise it gets a
    folder below `sweepd-runs`. Arguments are those of W&B; what is not listed has no effect, and says so.

    Args:
        entity: whose project it is.
        project: what the run belongs to; if not given, the name of the script.
        dir: where `sweepd-runs` is; the working directory.
        id: the run's id; if not given, a new one.
        name: a name for people.
        notes: free text.
        tags: labels.
        config: values by name: a dictionary, an argparse namespace, absl flags or the path of a YAML file.
            They are defaults: those of the sweep win, within groups too.
        config_exclude_keys: values to leave out.
        config_include_keys: the only values to take.
        allow_val_change: whether `config` may replace values of a run that is under way.
        group: runs that belong together.
        job_type: a kind of run, as `train` or `eval`.
        mode: online, offline (keep to the folder) or disabled (keep nothing).
        reinit: what to do while a run is under way: return it (not given, False, "return_previous"), or end
            it and begin another (True, "finish_previous", "create_new").
        resume: outside of a sweep, whether an earlier folder is gone on with: "allow" or "must" (that of
            `id`), "never", or True and "auto" (the newest one of this script that did not end well).
        settings: `Settings`, or a dictionary of such.
        force: has no effect.
        resume_from: has no effect; see `Run.resume_from`.
        fork_from: has no effect.
        save_code: has no effect; see `Run.log_code`.
        tensorboard: has no effect, as `sync_tensorboard`.
        sync_tensorboard: has no effect; `metrics_from` in the sweep file has event files read.
        monitor_gym: has no effect.
        ignored: has no effect.

    Raises:
        UsageError: an argument has a value that it cannot have.
        RuntimeError: the run's parameters cannot be read.
    """
    wanted = wishes(
        {
            "entity": entity,
            "project": project,
            "dir": dir,
            "id": id,
            "name": name,
            "notes": notes,
            "tags": tags,
            "group": group,
            "job_type": job_type,
            "mode": mode,
            "resume": resume,
        },
        settings,
        os.environ,
    )
    if id is not None and wanted.id is not None and wanted.id != id:
        _notices.once(
            f"id {id}", f"init(id={id!r}): an id has small letters, digits, - and _; it is {wanted.id!r}"
        )
    asked = {"resume_from": resume_from, "fork_from": fork_from, "monitor_gym": monitor_gym}
    say_what_has_no_effect(
        {**asked, "sync_tensorboard": sync_tensorboard or tensorboard, **dict.fromkeys(ignored, True)},
        _notices,
    )
    values = chosen(as_mapping(config or {}), config_include_keys, config_exclude_keys)
    with _lock:
        run = _run
        if run is not None and not run.finished and _begins_another(reinit, run):
            run.finish()
        if run is None or run.finished:
            return _begin(values, wanted, counts_steps=True)
        if values:
            _take_over(run, values, changes=bool(allow_val_change))
        _heed_late(run, wanted)
        run.count_steps()
        return run


def log(data: Mapping[str, object], step: int | None = None, commit: bool | None = None) -> None:
    """Add metrics to the run, see `Run.log`; begins one if there has been none."""
    run = _run or implied_run()
    run.log(data, step=step, commit=commit)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the run, see `Run.finish`. Without a run it does nothing."""
    if _run is not None:
        _run.finish(exit_code, quiet)


def forget(exit_code: int | None = None) -> None:
    """End the run and know of none, nor of its folder: what comes next in this process is another run."""
    global _run, _handed_out
    with _lock:
        finish(exit_code)
        _run = _handed_out = None
        apart.forget()
        _take_back()


def config() -> Config:
    """Return the configuration of the run.

    Raises:
        AttributeError: there is no run yet, and no agent has handed one out.
    """
    introduce(Config)
    return _expected("config").config


def summary() -> Summary:
    """Return the summary of the run.

    Raises:
        AttributeError: there is no run yet, and no agent has handed one out.
    """
    return _expected("summary").summary


def run() -> Run | None:
    """Return the run that is under way; None if there is none."""
    return None if _run is None or _run.finished else _run


def implied_run() -> Run:
    """Return the run; begin one for a script that only logs, or for a child that it has spawned."""
    global _implied
    with _lock:
        if _run is None:
            _begin({}, wishes({}, None, os.environ), counts_steps=not _is_spawned_child())
            _implied = True
        assert _run is not None
        return _run


def _expected(what: str) -> Run:
    if _run is None and given_folder(os.environ) is None:
        raise AttributeError(f"sweepd.{what}: call sweepd.init() first")
    return _run or implied_run()


def _begins_another(reinit: bool | str | None, run: Run) -> bool:
    if reinit in (None, False, "default", "return_previous"):
        return False
    if reinit not in (True, "finish_previous", "create_new"):
        raise UsageError(
            f"init: reinit is one of return_previous, finish_previous, create_new, not {reinit!r}"
        )
    return run.sweep_id is None  # a process of a sweep has one run


def _take_over(run: Run, values: Mapping[str, object], *, changes: bool) -> None:
    if changes:
        run.config.update(values, allow_val_change=True)
    else:
        run.config.setdefaults(values)


def _heed_late(run: Run, wanted: Wishes) -> None:
    """Take the names that `init` gives to a run that had begun without it; where it is stays."""
    global _implied
    if not _implied:
        return
    _implied = False
    run.name_late(wanted)
    if run.sweep_id is None:
        say_what_comes_late(run, wanted, _notices)
    else:
        say_what_the_sweep_decides(run.path, wanted, _notices)


def _begin(defaults: Mapping[str, object], wanted: Wishes, *, counts_steps: bool) -> Run:
    global _run, _handed_out, _implied
    _implied = False
    _take_back()  # of an earlier run of this process: its folder is not for this one
    is_apart = apart.is_apart(os.environ, wanted.id)
    folder = None if is_apart else given_folder(os.environ)
    earlier = None
    config = Config({} if folder is None else folder.params)
    config.setdefaults(defaults)  # before anything is made: values may be refused
    config.setdefaults(file_defaults(_notices))
    if folder is None and not is_apart:
        say_which_variables_are_others(os.environ, wanted, _notices)
    if folder is None and wanted.mode != "disabled":
        folder, wanted = folder_for(wanted, _notices)
    if folder is None or wanted.mode == "disabled":
        folder = no_folder(wanted)
    elif folder.own:
        _tell_children(folder.environment())
    else:
        if folder.sweep is not None:
            say_what_the_sweep_decides(folder.run, wanted, _notices)
        if _handed_out is not None and _handed_out.path == folder.run:
            earlier = _handed_out
    first_step = 0 if earlier is None else earlier.step
    begun = _run = Run(folder, config, wanted, counts_steps=counts_steps, first_step=first_step)
    if earlier is not None:
        begun.go_on_from(earlier)
    if not folder.own and not begun.disabled:
        _handed_out = begun
    if folder.own and not begun.disabled:
        _ending.watch()
        server = pushing.begin(folder, online=wanted.mode == "online" and not is_apart, silent=wanted.silent)
        if not wanted.silent:
            say_trouble(folder.path.parent / LEFT)
            _say_where(folder, server, "a run beside that of the sweep" if is_apart else "not in a sweep")
    return begun


def _tell_children(variables: Mapping[str, str]) -> None:
    _told.update({name: os.environ.get(name) for name in (*variables, *_OF_A_SWEEP)})
    os.environ.update(variables)
    for name in _OF_A_SWEEP:
        os.environ.pop(name, None)


def _take_back() -> None:
    while _told:
        name, value = _told.popitem()
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _say_where(folder: RunFolder, server: str | None, what: str) -> None:
    where = shown(folder.path)
    how = f"`sweepctl sync {where}` brings it in" if server is None else f"{server} gets it as {folder.run}"
    print_line(f"sweepd: {what}; this run is kept in {where}; {how}\n")


def _is_spawned_child() -> bool:
    """Return whether `multiprocessing` started this process; it is not imported to find out."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


def _end() -> None:
    """End the run of a process that has not done so itself."""
    if _run is not None:
        _run.finish_at_exit(_ending.code())


os.register_at_fork(after_in_child=_renew_lock)
atexit.register(_end)
