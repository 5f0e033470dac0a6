"""Run of a training script: metrics, configuration, summary and end."""

import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from sweepd.private_files import make_folder
from sweepd.script.definitions import Definition, checked_definition
from sweepd.script.exit_code import code_of_error
from sweepd.script.folder.run_folder import FILE, RunFolder, print_failure, record_end
from sweepd.script.folder.state_file import StateFile
from sweepd.script.row import suitable
from sweepd.script.rows import Rows
from sweepd.script.run import run_names
from sweepd.script.run.config import Config, on_change
from sweepd.script.run.run_files import RunFiles
from sweepd.script.run.summary import Summary
from sweepd.script.settings import RunOptions

DETAILS_FILE = "details.json"
_DETAILS_INTERVAL = 0.5
_DETAILS_BURST = 0.1


class Run(RunFiles):
    """Active run of a script: its configuration, summary, metrics and files.

    Threads and signal handlers may use it. Forked children inherit it: metrics that they log belong to the
    run, but their changes to its configuration, summary or names are not recorded.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: Config,
        options: RunOptions,
        *,
        counts_steps: bool,
        first_step: int = 0,
    ) -> None:
        self.config = config
        super().__init__(folder, options)
        self._is_main = counts_steps and not _is_other_rank(os.environ)
        self._preempting = False
        # Exit code that the script passed to `finish`; 0: success, or no call yet.
        self._exit_code = 0
        self._rows = Rows(
            None if self.disabled else folder.metrics_file,
            self._notices,
            first_step=max(first_step, self.starting_step) if counts_steps else None,
            keep=self._keep_at,
        )
        self._details = StateFile(
            folder.path / DETAILS_FILE,
            self._details_document,
            self._attempt_to_write,
            interval=_DETAILS_INTERVAL,
            burst=_DETAILS_BURST,
        )
        # Written at once, because child processes read this file.
        self._config_file = StateFile(folder.config_file, lambda: config, self._attempt_to_write, interval=0)
        self.summary = Summary(self._rows.logged.summary, self._writable, self._changed)
        self._config_changed()
        on_change(config, self._config_changed)

    @property
    def step(self) -> int:
        """Step of the next row that is logged without one."""
        return self._rows.step

    @property
    def finished(self) -> bool:
        """True if the run has ended and accepts no more metrics."""
        return self._rows.ended

    def log(self, data: Mapping[str, object], step: int | None = None, commit: bool | None = None) -> None:
        """Add metrics to the run. They are in the metrics file when this method returns.

        Args:
            data: metrics by key: numbers, booleans, short strings, short lists, or dictionaries of these. NaN
                and infinities are stored. Media and tables become files of the run. A value that cannot be
                written is skipped with one warning. A list of more than 1,024 characters is stored only in
                the run's folder, with one warning.
            step: step of the metrics. Metrics of a step below the current one are dropped with a warning.
            commit: whether the metrics complete the step, so that the next row without a step gets a new one.
                Default: True without `step`, False with `step`.
        """
        if not isinstance(data, Mapping):
            raise TypeError(f"log: expected a mapping of metrics, not {type(data).__name__}")
        self._rows.add(data, step, commit)
        if self._rows.logged.has_figures and self._writes_details:
            self._details.changed_slightly()

    def define_metric(
        self,
        name: str,
        step_metric: str | Definition | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
    ) -> Definition:
        """Define how a metric is summarised and shown.

        Args:
            name: name of the metric; a final `*` matches any ending.
            step_metric: metric to show on the x axis.
            step_sync: whether rows without the step metric get its last value. Default: True.
            hidden: whether automatic plots omit the metric.
            summary: comma-separated list of min, max, mean, last, first, none, copy, and best (with a goal).
                The summary is then a dictionary: `{"min": 0.1}`.
            goal: minimize or maximize.
            overwrite: whether to replace an earlier definition of the name instead of merging both.

        Raises:
            UsageError: an argument is missing or invalid.
        """
        definition = checked_definition(
            name, step_metric=step_metric, step_sync=step_sync, hidden=hidden, summary=summary, goal=goal
        )
        self._rows.definitions.add(definition, overwrite=bool(overwrite))
        self._changed()
        return definition

    @property
    def checkpoint_dir(self) -> str:
        """Folder for checkpoints, which the next attempt of this run finds unchanged."""
        path = self._folder.checkpoint_path
        self._rows.attempt_to(lambda: make_folder(path), "checkpoints are not available")
        return str(path)

    def checkpoint_saved(self, step: int | None = None) -> None:
        """Record that the checkpoint folder contains a state to resume from.

        In the next attempt, `resume_step` is this step, and the first step is the one after it. From there
        on, the rows of the next attempt replace those of this attempt.

        Args:
            step: last step that the checkpoint covers. Default: the last step with a row.
        """
        self._rows.continue_in_child()
        number = self._rows.last_step if step is None else int(step)
        if number >= 0 and not self.disabled:
            self._rows.attempt_to(
                lambda: run_names.save_step(self._folder.checkpoint_path, number),
                "the step of a checkpoint was not recorded",
            )
            self._rows.mark_checkpoint(number)

    def resume_from(self, step: int | None) -> None:
        """Override the recorded step from which this attempt resumes; must precede the first row.

        Args:
            step: last step that the checkpoint covers; None: start from the beginning.
        """
        if self._rows.begin_at(0 if step is None else int(step) + 1):
            self._resume_step = self._last_step = None if step is None else int(step)
            self._changed()
        else:
            self._notices.once("resume", "resume_from() after the first row of this attempt has no effect")

    def mark_preempting(self) -> None:
        """Report that this machine will be preempted soon; the run is retried unless it succeeds."""
        self._preempting = True
        self._changed()
        if self._rows.is_ours:  # in a forked child, a thread of the parent may hold the lock
            self._details.flush()

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run: complete the open step and close the metrics file. Further calls do nothing.

        Args:
            exit_code: 0 to 255. A nonzero code fails the run, whatever the exit code of the process is. With
                0 or None, the exit of the process determines the outcome of a run of a sweep.
            quiet: no effect.
        """
        code = int(exit_code or 0)
        self._finish(code & 0xFF or int(code != 0), at_exit=False)

    def finish_at_exit(self, exit_code: int) -> None:
        """End the run of a process that is about to exit; `exit_code` is the code recorded so far."""
        self._finish(exit_code, at_exit=True)

    def _finish(self, code: int, *, at_exit: bool) -> None:
        is_ours = self._rows.is_ours
        if is_ours:
            self._save_changed_files()
            self._details.flush()
        if not self._rows.end() or not is_ours:
            return
        # If several processes have begun the run, the last one to end records its exit code.
        self._exit_code = 0 if at_exit else code
        self._changed()
        self._details.flush()
        if self._folder.standalone and not self.disabled:
            now = time.time()
            self._rows.attempt_to(
                lambda: record_end(self._folder, exit_code=code, now=now, at_exit=at_exit),
                "the end of the run was not recorded",
            )
            if self._folder.lock is not None:
                self._folder.lock.release()
            print_failure(self._folder.path / FILE)

    def continue_from(self, earlier: "Run") -> None:
        """Copy names, definitions, configuration and summary from `earlier`, an object of the same run."""
        self.name_as_before(earlier)
        self._rows.definitions.take_over(earlier._rows.definitions)  # noqa: SLF001 (of the same class)
        self.config.setdefaults(earlier.config.as_dict())
        self.summary.update(earlier.summary.explicit())

    def count_steps(self) -> None:
        """Make this process count steps, from 0, unless it already does."""
        self._rows.count_steps()

    def _details_document(self) -> dict[str, object]:
        """Return the content of the details file."""
        members: dict[str, object] = {
            **self._given_names(),
            "config": self.config.as_dict(),
            "summary": self.summary.explicit(),
            "definitions": self._rows.definitions.document(),
            "resumed_from_step": self._resume_step,
            "preempting": self._preempting,
            "figures": self._rows.logged.figures(),
            "exit_code": self._exit_code,
        }
        return {name: value for name, value in members.items() if value not in (None, (), {}, False)}

    @property
    def _writes_details(self) -> bool:
        # Other processes would overwrite the details of the process that began the run.
        return self._is_main and self._rows.is_ours and not self.disabled

    def _changed(self) -> None:
        if self._writes_details:
            self._details.changed()

    def _config_changed(self) -> None:
        if self._folder.standalone and self._rows.is_ours and not self.disabled:
            self._config_file.changed()
        self._changed()

    def _attempt_to_write(self, write: Callable[[], None]) -> None:
        self._rows.attempt_to(write, "details of the run are being lost")

    def _writable(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """Return the summary values that can be written."""
        return suitable(values, self._notices, lambda key, value: self._keep_at(key, value, self.step))

    def _keep_at(self, key: str, value: object, step: int | None) -> object:
        from sweepd.script.media.values import store_value  # loaded only by runs that log media

        return store_value(None if self.disabled else self._files, key, value, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(exit_code=code_of_error(error))

    def __repr__(self) -> str:
        return f"<sweepd.Run {self.path} attempt {self.attempt} in {self._folder.path}>"


def _is_other_rank(environment: Mapping[str, str]) -> bool:
    """Return True if a launcher such as torchrun has started this process with a rank other than 0."""
    return "WORLD_SIZE" in environment and environment.get("RANK", "0") not in ("", "0")
