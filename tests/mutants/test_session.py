"""Tests of a session that tries mutants: which tests fail without one, and the outcome of each mutant."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mutants.session import Fate, fate_of

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("ending", "fate"),
    [
        (lambda: os._exit(0), Fate.SURVIVED),
        (lambda: os._exit(1), Fate.KILLED),
        (lambda: signal.raise_signal(signal.SIGKILL), Fate.KILLED),
        (lambda: signal.raise_signal(signal.SIGALRM), Fate.TIMED_OUT),
    ],
)
def test_a_test_that_times_out_is_distinguished_from_one_that_fails(
    ending: Callable[[], None], fate: Fate
) -> None:
    if (pid := os.fork()) == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        ending()
    assert fate_of(os.waitpid(pid, 0)[1]) is fate


SESSION = """
import sys
from pathlib import Path
import pytest
from mutants.session import MutationSession

session = MutationSession(Path("core"), 9, 1, lambda mutant, fate: print(mutant.before, fate))
pytest.main(["-q", "-p", "no:cacheprovider", "test_it.py"], plugins=[session])
print("failing", session.failing)
"""
CORE = """
from functools import cache

def is_small(value):
    return value < most()

@cache
def most():
    return 3
"""
TEST = """
import sys
from core.size import is_small

def test_that_calls_everything_and_checks_nothing():
    is_small(2)

def test_that_is_too_slow_while_its_calls_are_recorded():
    assert is_small(2)
    assert not is_small(3)
    assert sys.getprofile() is None

def test_that_fails():
    assert is_small(4)
"""


def test_tests_that_are_slow_or_use_cached_results_detect_mutants(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    for name, text in {"core/__init__.py": "", "core/size.py": CORE, "test_it.py": TEST}.items():
        (tmp_path / name).write_text(text)
    session = SESSION.replace('Path("core")', f'Path("{tmp_path}/core")')
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{tmp_path}"}
    shown = subprocess.run(
        [sys.executable, "-c", session],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert shown.splitlines()[-1] == "failing ['test_it.py::test_that_fails']"
    outcomes = {"value < most() killed", "return value < most() killed", "3 killed"}
    assert outcomes <= set(shown.splitlines())
