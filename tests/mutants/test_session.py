"""Tests of the outcome of a mutant, read from the exit status of the process that ran its tests."""

import os
import signal
from collections.abc import Callable

import pytest

from mutants.session import Fate, fate_of


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
