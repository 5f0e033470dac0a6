"""Runs training scripts in processes forked from one that has loaded scikit-learn, which takes longest.

Each has its own arguments, environment and folder, as if it had been started; only the start of the
interpreter and other imports are shared. Each script imports sweepd itself.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class Trainings:
    """Starts scripts, one at a time."""

    def __init__(self, original: subprocess.Popen[str]) -> None:
        self._original = original

    def run(self, script: Path, *arguments: str, cwd: Path, env: Mapping[str, str]) -> None:
        """Run a script to its end; fail unless it exits with code 0."""
        assert self._original.stdin is not None
        assert self._original.stdout is not None
        call = json.dumps([[str(script), *arguments], str(cwd), dict(env)])
        self._original.stdin.write(f"{call}\n")
        self._original.stdin.flush()
        assert self._original.stdout.readline() == "0\n", f"{script} has failed: its traceback is in stderr"


@contextmanager
def trainings(client: Path) -> Iterator[Trainings]:
    """Load the modules that the scripts import; the process ends with the block."""
    with subprocess.Popen(
        [sys.executable, __file__],
        # One thread: the trainings are small, and threads would compete with those of other tests.
        env={**os.environ, "PYTHONPATH": str(client), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as original:
        yield Trainings(original)


def _main() -> None:
    import sklearn.datasets
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.metrics
    import sklearn.model_selection
    import sklearn.neural_network
    import sklearn.preprocessing
    import sklearn.tree  # noqa: F401 (the scripts import them)

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            sys.argv, folder, environment = json.loads(line)
            os.environ.update(environment)
            os.chdir(folder)
            os.dup2(2, 1)  # its output must not be mixed with answers
            runpy.run_path(sys.argv[0], run_name="__main__")
            return
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
