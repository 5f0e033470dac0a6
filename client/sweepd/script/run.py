"""One run from the inside of its script: takes what it logs, says what it says, until it ends."""

import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from sweepd.folders import make_folder
from sweepd.script import checkpoints
from sweepd.script.config import Config, on_change
from sweepd.script.definitions import Definition, checked_definition
from sweepd.script.ending import code_of_error
from sweepd.script.folder import RunFolder, note_end
from sweepd.script.kept import keep_value
from sweepd.script.row import suitable
from sweepd.script.rows import Rows
from sweepd.script.run_files import RunFiles
from sweepd.script.settings import Wishes
from sweepd.script.state_file import StateFile
from sweepd.script.summary import Summary
from sweepd.script.trouble import FILE, say_trouble

DETAILS_FILE = "details.json"
_DETAILS_INTERVAL = 0.5
_DETAILS_BURST = 0.1


class Run(RunFiles):
    """A run under way: its configuration, its summary, and a place for its metrics and files.

    Threads may share it, signal handlers too, and forked children go on with it: what they log is in the run,
    what they change of its configuration, summary or names is theirs alone.
    """

    def __init__(
        self, folder: RunFolder, config: Config, wishes: Wishes, *, counts_steps: bool, first_step: int = 0
    ) -> None:
        self.config = config
        super().__init__(folder, wishes)
        self._speaks = counts_steps and not _is_other_rank(os.environ)
        self._preempting = False
        # With which code the script has ended the run; 0: it has not, or well.
        self._exit_code = 0
        self._rows = Rows(
            None if self.disabled else folder.metrics_file,
            self._notices,
            first_step=max(first_step, self.starting_step) if counts_steps else None,
            keep=self._keep_at,
        )
        self._details = StateFile(
            folder.path / DETAILS_FILE,
            self._said,
            self._attempt_to_say,
            interval=_DETAILS_INTERVAL,
            burst=_DETAILS_BURST,
        )
        # For children that are started: at once.
        self._config_file = StateFile(folder.config_file, lambda: config, self._attempt_to_say, interval=0)
        self.summary = Summary(self._rows.logged.summary, self._made, self._changed)
        self._config_changed()
        on_change(config, self._config_changed)

    @property
    def step(self) -> int:
        """The step that the next row without one goes to."""
        return self._rows.step

    @property
    def finished(self) -> bool:
        """Whether the run takes no more metrics."""
        return self._rows.ended

    def log(self, data: Mapping[str, object], step: int | None = None, commit: bool | None = None) -> None:
        """Add metrics to the run. They are in the metrics file when this returns.

        Args:
            data: metrics by key: numbers, booleans, short strings, or groups of those. NaN and infinities are
                stored. Media and tables become files of the run. A value that cannot be written is left out
                with one warning; a list stays in the run's folder, with one warning, too.
            step: the step they belong to. Below the current step, they are dropped with a warning.
            commit: whether the step is complete with them, so that the next row without a step gets a new
                one. If not given: yes without `step`, no with one.
        """
        if not isinstance(data, Mapping):
            raise TypeError(f"log: a mapping of metrics, not {type(data).__name__}")
        self._rows.add(data, step, commit)
        if self._rows.logged.has_figures and self._writes_details:
            self._details.changed_a_little()

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
        """Say how a metric is summarised and shown.

        Args:
            name: of the metric; with a `*` at its end, of all that begin so.
            step_metric: the metric that it is drawn over.
            step_sync: whether rows that lack the step metric get its last value; if not given, they do.
            hidden: whether it is left out of automatic plots.
            summary: what its summary is: min, max, mean, last, first, none or copy, several with commas; best
                with a goal. Its summary is a dictionary then: `{"min": 0.1}`.
            goal: minimize or maximize.
            overwrite: whether this replaces what was said of the same name before, instead of adding to it.

        Raises:
            UsageError: one of the words is not known.
        """
        said = checked_definition(
            name, step_metric=step_metric, step_sync=step_sync, hidden=hidden, summary=summary, goal=goal
        )
        self._rows.definitions.add(said, overwrite=bool(overwrite))
        self._changed()
        return said

    @property
    def checkpoint_dir(self) -> str:
        """A folder that the next attempt at this run finds again."""
        path = self._folder.checkpoint_path
        self._rows.attempt_to(lambda: make_folder(path), "there can be no checkpoint")
        return str(path)

    def checkpoint_saved(self, step: int | None = None) -> None:
        """Note that the checkpoint folder now holds a state to resume from.

        The next attempt finds the step in `resume_step` and counts on from the one after it; its rows replace
        what this attempt logs beyond it.

        Args:
            step: the last step that is in the checkpoint; if not given, the last one with a row.
        """
        self._rows.continue_in_child()
        number = self._rows.last_step if step is None else int(step)
        if number >= 0 and not self.disabled:
            self._rows.attempt_to(
                lambda: checkpoints.save_step(self._folder.checkpoint_path, number),
                "the step of a checkpoint is lost",
            )
            self._rows.mark_checkpoint(number)

    def resume_from(self, step: int | None) -> None:
        """Say which step this attempt resumes from, if not from the one that was noted; before the first row.

        Args:
            step: the last step that is in the checkpoint; None: begin from the beginning.
        """
        if self._rows.begin_at(0 if step is None else int(step) + 1):
            self._resume_step = self._last_step = None if step is None else int(step)
            self._changed()
        else:
            self._notices.once("resume", "resume_from() after the first row of this attempt has no effect")

    def mark_preempting(self) -> None:
        """Say that this machine is about to be taken away: unless the run ends well, it is tried again."""
        self._preempting = True
        self._changed()
        if self._rows.is_ours:  # else its lock may be held by a thread that was not copied
            self._details.flush()

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run: complete the open step and release its file. Further calls do nothing.

        Args:
            exit_code: 0 to 255. Another one than 0 fails the run, whatever its process ends with. With 0, and
                if it is not given, the process says how a run of a sweep has ended.
            quiet: without effect; this only says what keeps the run from its server.
        """
        code = int(exit_code or 0)
        self._finish(code & 0xFF or int(code != 0), at_exit=False)

    def finish_at_exit(self, exit_code: int) -> None:
        """End the run of a process that is about to end, with the exit code as far as that knows it."""
        self._finish(exit_code, at_exit=True)

    def _finish(self, code: int, *, at_exit: bool) -> None:
        if not self._release(0 if at_exit else code):
            return
        if self._folder.own and self._rows.is_ours and not self.disabled:
            now = time.time()
            self._rows.attempt_to(
                lambda: note_end(self._folder, exit_code=code, now=now, at_exit=at_exit),
                "the end of the run is not noted",
            )
            if self._folder.lock is not None:
                self._folder.lock.release()
            say_trouble(self._folder.path / FILE)

    def go_on_from(self, earlier: "Run") -> None:
        """Take over what the script has said of the same run before it finished it for the first time."""
        self.name_as_before(earlier)
        self._rows.definitions.take_over(earlier._rows.definitions)  # noqa: SLF001 (of the same class)
        self.config.setdefaults(earlier.config.as_dict())
        self.summary.update(earlier.summary.explicit())

    def _release(self, exit_code: int) -> bool:
        """Complete the open step and release the file; False if that was done before."""
        if self._rows.is_ours:
            self._save_again()
            self._details.flush()
        if not self._rows.end():
            return False
        if self._rows.is_ours:
            # In any case: of several processes that have begun the run, the last one says how it ended.
            self._exit_code = exit_code
            self._changed()
            self._details.flush()
        return True

    def count_steps(self) -> None:
        """Have this process count steps, from 0, unless it does so already."""
        self._rows.count_steps()

    def _said(self) -> dict[str, object]:
        """Return all that the script has said of the run."""
        members: dict[str, object] = {
            **self._named(),
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
        # Another process would write over what the one that began the run says.
        return self._speaks and self._rows.is_ours and not self.disabled

    def _changed(self) -> None:
        if self._writes_details:
            self._details.changed()

    def _config_changed(self) -> None:
        if self._folder.own and self._rows.is_ours and not self.disabled:
            self._config_file.changed()
        self._changed()

    def _attempt_to_say(self, write: Callable[[], None]) -> None:
        self._rows.attempt_to(write, "what the script says of its run is being lost")

    def _made(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """Return values of the summary as they can be written."""
        return suitable(values, self._notices, lambda key, value: self._keep_at(key, value, self.step))

    def _keep_at(self, key: str, value: object, step: int | None) -> object:
        return keep_value(None if self.disabled else self._files, key, value, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(exit_code=code_of_error(error))

    def __repr__(self) -> str:
        return f"<sweepd.Run {self.path} attempt {self.attempt} in {self._folder.path}>"


def _is_other_rank(environment: Mapping[str, str]) -> bool:
    """Return whether a launcher such as torchrun has made this one of several processes, not the first."""
    return "WORLD_SIZE" in environment and environment.get("RANK", "0") not in ("", "0")
