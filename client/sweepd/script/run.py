"""One run from the inside of its script: takes rows and brings them to the metrics file."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, SupportsInt

from sweepd import metrics_file
from sweepd.metrics_file import MetricsFile
from sweepd.script.config import Config, on_change
from sweepd.script.folder import RunFolder, note_end, write_json
from sweepd.script.notices import Notices
from sweepd.script.row import encode_row
from sweepd.script.steps import Steps


class Run:
    """A run under way: its configuration, and a place for its metrics.

    Threads may share it, signal handlers too, and forked children go on with it. Only the process that began
    the run counts its steps; rows of its children carry the step that they name, or none.
    """

    def __init__(self, folder: RunFolder, config: Config, *, counts_steps: bool) -> None:
        self.config = config
        self._folder = folder
        self._file = MetricsFile(folder.metrics_file)
        self._steps = Steps() if counts_steps else None
        self._notices = Notices()
        self._finished = False
        self._claim()
        if folder.own:
            self._keep_config()
            on_change(config, self._keep_config)

    @property
    def id(self) -> str:
        """The run's id, unique in its project."""
        return self._folder.run.rpartition("/")[2]

    @property
    def path(self) -> str:
        """The run's full name, `entity/project/id`."""
        return self._folder.run

    @property
    def sweep_id(self) -> str | None:
        """The id of the sweep that the run belongs to, if it does to one."""
        return self._folder.sweep and self._folder.sweep.rpartition("/")[2]

    @property
    def attempt(self) -> int:
        """Which attempt at the run this is, counted from 1."""
        return self._folder.attempt

    @property
    def repeat(self) -> int:
        """Which of the runs of its point this is, counted from 0; a script may seed itself by it."""
        return self._folder.repeat

    @property
    def dir(self) -> str:
        """The folder of this attempt's files."""
        return str(self._folder.path)

    @property
    def checkpoint_dir(self) -> str:
        """A folder that the next attempt at this run finds again."""
        self._folder.checkpoint_path.mkdir(parents=True, exist_ok=True)
        return str(self._folder.checkpoint_path)

    def log(self, data: Mapping[str, object], step: int | None = None, commit: bool | None = None) -> None:
        """Add metrics to the run. They are in the metrics file when this returns.

        Args:
            data: metrics by key: numbers, booleans, short strings, or groups of those. NaN and infinities are
                stored. A value that cannot be written is left out with one warning.
            step: the step they belong to. Below the current step, they are dropped with a warning.
            commit: whether the step is complete with them, so that the next row without a step gets a new
                one. If not given: yes without `step`, no with one.
        """
        if not isinstance(data, Mapping):
            raise TypeError(f"log: a mapping of metrics, not {type(data).__name__}")
        if self._process != os.getpid():
            self._continue_in_child()
        with self._lock:
            if self._finished:
                self._notices.once("finished", "log() after finish(): the metrics were dropped")
                return
            number = self._step_number(step)
            if self._steps is None:
                self._write({} if number is None else {metrics_file.STEP: number}, data)
            else:
                self._count(self._steps, data, number, commit=commit)

    def finish(self, exit_code: int = 0) -> None:
        """End the run: complete the open step and release its file. Further calls do nothing.

        Args:
            exit_code: noted in the folder of a run of its own. Under an agent, the exit status of the process
                says how the run ended.
        """
        if self.release() and self._folder.own:
            self._attempt_to(lambda: note_end(self._folder, exit_code=exit_code, now=time.time()))

    def release(self) -> bool:
        """Complete the open step and release the file; False if that was done before.

        Alone, it is for a process that ends without saying how.
        """
        if self._process != os.getpid():
            self._continue_in_child()
        with self._lock:
            if self._finished:
                return False
            if self._steps is not None and self._steps.announced_more:
                self._count(self._steps, {}, None, commit=True)
            self._finished = True
            self._file.close()
            return True

    @property
    def finished(self) -> bool:
        """Whether the run takes no more metrics."""
        return self._finished

    def count_steps(self) -> None:
        """Have this process count steps, from 0, unless it does so already."""
        if self._process != os.getpid():
            self._continue_in_child()
        with self._lock:
            if self._steps is None:
                self._steps = Steps()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(exit_code=0 if kind is None else 1)

    def __repr__(self) -> str:
        return f"<sweepd.Run {self.path} attempt {self.attempt} in {self.dir}>"

    def _claim(self) -> None:
        self._process = os.getpid()
        # Reentrant: a signal handler may log while the same thread is doing so.
        self._lock = threading.RLock()

    def _continue_in_child(self) -> None:
        """Make a forked copy usable: its lock may be held by a thread that was not copied."""
        self._claim()
        self._file = self._file.reopened()
        self._steps = None

    def _step_number(self, step: object) -> int | None:
        if step is None or isinstance(step, int):
            return step
        try:
            if isinstance(step, SupportsInt):
                return int(step)
        except (TypeError, ValueError, OverflowError):
            pass  # NaN, or a tensor of many
        self._notices.once("step", f"step={step!r} is no number; the metrics went to the current step")
        return None

    def _count(
        self, steps: Steps, data: Mapping[str, object], step: int | None, *, commit: bool | None
    ) -> None:
        if not steps.place(step, commit=commit):
            self._notices.once(
                "late step",
                f"step {step} is below the current step {steps.current}: such metrics are dropped",
            )
            return
        header: dict[str, object] = {metrics_file.STEP: steps.current}
        if commit is False:
            header[metrics_file.OPEN] = True
        completes = steps.completes(step, commit=commit)
        self._write(header, data)
        if completes:
            steps.advance()

    def _write(self, header: dict[str, object], data: Mapping[str, object]) -> None:
        header[metrics_file.TIME] = time.time()
        line = encode_row(header, data, self._notices)
        self._attempt_to(lambda: self._file.append(line))

    def _keep_config(self) -> None:
        self._attempt_to(lambda: write_json(self._folder.config_file, self.config.as_dict()))

    def _attempt_to(self, write: Callable[[], None]) -> None:
        """Write, or say what is lost: the training is worth more than its record."""
        try:
            write()
        except OSError as error:
            self._notices.once("write", f"metrics are being lost in {self.dir}: {error}")
