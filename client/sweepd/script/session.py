"""Functions that a training script calls, and the active run on which they act."""

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sweepd.compat import environment
from sweepd.script.errors import UsageError
from sweepd.script.exit_code import ExitCode
from sweepd.script.folder import sync
from sweepd.script.folder.run_folder import LEFT, RunFolder, given_folder, print_failure, relative_to_here
from sweepd.script.folder.standalone import open_folder, temporary_folder
from sweepd.script.notices import Notices, print_line
from sweepd.script.run.config import Config, Values, as_mapping, chosen, file_defaults, register_with_yaml
from sweepd.script.run.run import Run
from sweepd.script.run.summary import Summary
from sweepd.script.settings import (
    RunOptions,
    Settings,
    run_options,
    warn_of_ignored,
    warn_of_late_names,
    warn_of_sweep_names,
    warn_of_wandb_variables,
)

_run: Run | None = None
# True if the run was begun without `init`, by reading the configuration or by logging.
_implied = False
# Run that an agent has handed out to this process; None until the script has begun it.
_handed_out: Run | None = None
# Former values of the environment variables that a standalone run sets for child processes; None: unset.
_replaced_variables: dict[str, str | None] = {}
_lock = threading.RLock()
# Variables of a sweep, which a standalone run does not have.
_SWEEP_VARIABLES = ("SWEEPD_SWEEP_ID", "SWEEPD_SWEEP_PARAM_PATH", "SWEEPD_REPEAT")
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_notices = Notices()
_exit_code = ExitCode()


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
    """Begin the run of this process, or return the active one.

    Under an agent, this is the run that the agent handed out, and the sweep determines its names. Otherwise,
    it is a standalone run in a folder below `sweepd-runs`. The arguments are those of W&B; arguments that are
    not listed here have no effect and cause a warning.

    Args:
        entity: owner of the project.
        project: project of the run. Default: the name of the script.
        dir: parent of `sweepd-runs`. Default: the working directory.
        id: id of the run. Default: a new one.
        name: display name.
        notes: free text.
        tags: labels.
        config: values by name: a dictionary, an argparse namespace, absl flags or the path of a YAML file.
            They are defaults: values of the sweep take precedence, also within groups.
        config_exclude_keys: keys of `config` to ignore.
        config_include_keys: keys of `config` to use; all others are ignored.
        allow_val_change: whether `config` may replace values of an active run.
        group: name of a group of runs.
        job_type: kind of run, such as `train` or `eval`.
        mode: online, offline (store the run only in its folder) or disabled (store nothing).
        reinit: with an active run, return it (None, False, "return_previous") or, outside of a sweep, end it
            and begin another (True, "finish_previous", "create_new").
        resume: outside of a sweep, whether to resume an earlier run: "allow" or "must" (the run of `id`),
            "never", or True or "auto" (the newest run of this script, unless it succeeded).
        settings: `Settings`, or a dictionary of settings.
        force: has no effect.
        resume_from: has no effect; see `Run.resume_from`.
        fork_from: has no effect.
        save_code: has no effect; see `Run.log_code`.
        tensorboard: has no effect; see `sync_tensorboard`.
        sync_tensorboard: has no effect; `metrics_from` in the sweep file reads event files.
        monitor_gym: has no effect.
        ignored: has no effect.

    Raises:
        UsageError: an argument has an invalid value, or `resume` cannot be satisfied.
        RuntimeError: the parameters of the run cannot be read.
    """
    wanted = run_options(
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
            f"id {id}",
            f"init(id={id!r}): an id has only lower-case letters, digits, - and _; using {wanted.id!r}",
        )
    asked = {"resume_from": resume_from, "fork_from": fork_from, "monitor_gym": monitor_gym}
    warn_of_ignored(
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
        if values and allow_val_change:
            run.config.update(values, allow_val_change=True)
        elif values:
            run.config.setdefaults(values)
        _apply_late(run, wanted)
        run.count_steps()
        return run


def log(data: Mapping[str, object], step: int | None = None, commit: bool | None = None) -> None:
    """Add metrics to the run, see `Run.log`; begin a run first if none has begun."""
    run = _run or implied_run()
    run.log(data, step=step, commit=commit)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the run, see `Run.finish`; do nothing without a run."""
    if _run is not None:
        _run.finish(exit_code, quiet)


def forget(exit_code: int | None = None) -> None:
    """End the run and forget it, so that the next `init` of this process begins another run."""
    global _run, _handed_out
    with _lock:
        finish(exit_code)
        _run = _handed_out = None
        environment.forget_request()
        _restore_variables()


def config() -> Config:
    """Return the configuration of the run.

    Raises:
        AttributeError: no run has begun, and no agent has handed one out.
    """
    register_with_yaml(Config)
    return _required_run("config").config


def summary() -> Summary:
    """Return the summary of the run.

    Raises:
        AttributeError: no run has begun, and no agent has handed one out.
    """
    return _required_run("summary").summary


def run() -> Run | None:
    """Return the active run, or None."""
    return None if _run is None or _run.finished else _run


def implied_run() -> Run:
    """Return the run; begin one for a script that only logs, or for a spawned child process."""
    global _implied
    with _lock:
        if _run is None:
            _begin({}, run_options({}, None, os.environ), counts_steps=not _is_spawned_child())
            _implied = True
        assert _run is not None
        return _run


def _forwarding(method: Callable[Concatenate[Run, Arguments], Result]) -> Callable[Arguments, Result]:
    @wraps(method)
    def call(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        return method(implied_run(), *arguments, **named)

    return call


alert = _forwarding(Run.alert)
checkpoint_saved = _forwarding(Run.checkpoint_saved)
define_metric = _forwarding(Run.define_metric)
link_artifact = _forwarding(Run.link_artifact)
link_model = _forwarding(Run.link_model)
log_artifact = _forwarding(Run.log_artifact)
log_code = _forwarding(Run.log_code)
log_model = _forwarding(Run.log_model)
mark_preempting = _forwarding(Run.mark_preempting)
restore = _forwarding(Run.restore)
save = _forwarding(Run.save)
unwatch = _forwarding(Run.unwatch)
use_artifact = _forwarding(Run.use_artifact)
use_model = _forwarding(Run.use_model)
watch = _forwarding(Run.watch)


def login(*ignored: object, **more: object) -> bool:
    """Return True: a script needs no login, because its agent has the token."""
    return True


def setup(*ignored: object, **more: object) -> None:
    """Do nothing: there is nothing to set up."""


teardown = setup


def _required_run(what: str) -> Run:
    if _run is None and given_folder(os.environ) is None:
        raise AttributeError(f"sweepd.{what}: call sweepd.init() first")
    return _run or implied_run()


def _begins_another(reinit: bool | str | None, run: Run) -> bool:
    if reinit in (None, False, "default", "return_previous"):
        return False
    if reinit not in (True, "finish_previous", "create_new"):
        raise UsageError(
            f"init: reinit must be one of return_previous, finish_previous, create_new, not {reinit!r}"
        )
    return run.sweep_id is None  # in a sweep, a process has a single run


def _apply_late(run: Run, wanted: RunOptions) -> None:
    """Apply the names in the arguments of `init` to a run that began without `init`; keep its folder."""
    global _implied
    if not _implied:
        return
    _implied = False
    run.name_late(wanted)
    if run.sweep_id is None:
        warn_of_late_names(run, wanted, _notices)
    else:
        warn_of_sweep_names(run.path, wanted, _notices)


def _begin(defaults: Mapping[str, object], wanted: RunOptions, *, counts_steps: bool) -> Run:
    global _run, _handed_out, _implied
    _implied = False
    _restore_variables()  # that an earlier run of this process has replaced
    beside_sweep_run = environment.begins_standalone(os.environ, wanted.id)
    folder = None if beside_sweep_run else given_folder(os.environ)
    earlier = None
    config = Config({} if folder is None else folder.params)
    config.setdefaults(defaults)  # before anything is created, because values may be rejected
    config.setdefaults(file_defaults(_notices))
    if folder is None and not beside_sweep_run:
        warn_of_wandb_variables(os.environ, wanted, _notices)
    if folder is None and wanted.mode != "disabled":
        folder, wanted = open_folder(wanted, _notices)
    if folder is None or wanted.mode == "disabled":
        folder = temporary_folder(wanted)
    elif folder.standalone:
        _set_variables_for_children(folder.environment())
    else:
        if folder.sweep is not None:
            warn_of_sweep_names(folder.run, wanted, _notices)
        if _handed_out is not None and _handed_out.path == folder.run:
            earlier = _handed_out
    first_step = 0 if earlier is None else earlier.step
    begun = _run = Run(folder, config, wanted, counts_steps=counts_steps, first_step=first_step)
    if earlier is not None:
        begun.continue_from(earlier)
    if not folder.standalone and not begun.disabled:
        _handed_out = begun
    if folder.standalone and not begun.disabled:
        _exit_code.watch()
        server = sync.start(
            folder, online=wanted.mode == "online" and not beside_sweep_run, silent=wanted.silent
        )
        if not wanted.silent:
            print_failure(folder.path.parent / LEFT)
            _print_location(
                folder,
                server,
                ("a run in addition to the run of the sweep") if beside_sweep_run else "not in a sweep",
            )
    return begun


def _set_variables_for_children(variables: Mapping[str, str]) -> None:
    _replaced_variables.update({name: os.environ.get(name) for name in (*variables, *_SWEEP_VARIABLES)})
    os.environ.update(variables)
    for name in _SWEEP_VARIABLES:
        os.environ.pop(name, None)


def _restore_variables() -> None:
    while _replaced_variables:
        name, value = _replaced_variables.popitem()
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _print_location(folder: RunFolder, server: str | None, what: str) -> None:
    where = relative_to_here(folder.path)
    how = f"`sweepctl sync {where}` syncs it" if server is None else f"syncing to {server} as {folder.run}"
    print_line(f"sweepd: {what}; this run is kept in {where}; {how}\n")


def _is_spawned_child() -> bool:
    """Return True if `multiprocessing` started this process, without importing that module."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


def _end() -> None:
    """End the run if the script has not done so."""
    if _run is not None:
        _run.finish_at_exit(_exit_code.value())


os.register_at_fork(after_in_child=_renew_lock)
atexit.register(_end)
