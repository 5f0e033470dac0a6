"""A test session that learns which tests call which function, then tries mutants in forked processes."""

from __future__ import annotations

import functools
import gc
import os
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import FrameType, FunctionType
from typing import NoReturn

import pytest
from _pytest.runner import runtestprotocol

from mutants.mutations import Mutant, mutants_of

_SHORTEST_LIMIT = 10.0
"""Seconds for one test of a mutant, at least; a mutant may loop endlessly."""
_SLOWER = 20
_BROKEN = 3
"""Exit code of a forked process in which the mutant could not be made."""


class Fate(StrEnum):
    """Outcome of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    UNTESTED = "called by no test"


@dataclass
class MutationSession:
    """Runs as a plugin of pytest, in place of its loop over the tests; `tell` gets each outcome."""

    core: Path
    sample: int
    seed: int
    tell: Callable[[Mutant, Fate], None]
    failing: list[str] = field(default_factory=list)
    """Tests that fail without any mutant, and so detect none."""
    _callers: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    _importing: set[tuple[str, str]] = field(default_factory=set)
    """Functions that imports call, without those within them."""
    _called: set[tuple[str, str]] = field(default_factory=set)
    """Functions that tests call, likewise."""
    _seconds: dict[int, float] = field(default_factory=dict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Watch which functions imports call."""
        sys.setprofile(self._watching(self._importing))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run each test once, then the mutants."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        sys.setprofile(None)
        # Before anything else: what is loaded is what is in the files now.
        items = session.items
        everything = [each for path in sorted(self.core.rglob("*.py")) for each in mutants_of(path)]
        for number, item in enumerate(items):
            following = items[number + 1] if number + 1 < len(items) else None
            self._record(number, item, following)
        if (pid := os.fork()) == 0:
            _end_with([(item, 0) for item in items if item.nodeid not in self.failing], None)
        if os.waitpid(pid, 0)[1]:
            raise pytest.UsageError("the tests fail in a forked process, without any mutant")
        # What only builds tables or functions during imports has done so: a mutant would come too late.
        late = self._importing - self._called
        everything = [each for each in everything if (str(each.path), each.function) not in late]
        # Chosen by a number of its own, so that the same seed chooses the same of an unchanged core.
        for mutant in random.Random(self.seed).sample(everything, min(self.sample, len(everything))):
            self.tell(mutant, self._tried(mutant, items))
        return True

    def _watching(
        self, outermost: set[tuple[str, str]], number: int | None = None
    ) -> Callable[[FrameType, str, object], None]:
        """Return a profile function that adds the path and name of each called function of the core.

        The calls of a test, by its number, count as calls of the outermost function.
        """
        prefix = f"{self.core}{os.sep}"

        def called(frame: FrameType, event: str, argument: object) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename.startswith(prefix):
                name, _, inner = code.co_qualname.partition(".<locals>")
                if not inner:
                    outermost.add((code.co_filename, name))
                if number is not None:
                    self._callers[code.co_filename, name].add(number)

        return called

    def _record(self, number: int, item: pytest.Item, following: pytest.Item | None) -> None:
        """Run a test; remember how long it takes and which functions of the core it calls."""
        began = time.monotonic()
        sys.setprofile(self._watching(self._called, number))
        try:
            reports = runtestprotocol(item, log=False, nextitem=following)
        finally:
            sys.setprofile(None)
        self._seconds[number] = time.monotonic() - began
        if any(report.failed for report in reports):
            self.failing.append(item.nodeid)
            for tests in self._callers.values():
                tests.discard(number)

    def _tried(self, mutant: Mutant, items: Sequence[pytest.Item]) -> Fate:
        """Run the tests that call the function, the quickest first, until one fails."""
        numbers = sorted(self._callers[str(mutant.path), mutant.function], key=self._seconds.__getitem__)
        if not numbers:
            return Fate.UNTESTED
        limited = [(items[each], max(_SHORTEST_LIMIT, _SLOWER * self._seconds[each])) for each in numbers]
        if (pid := os.fork()) == 0:
            _end_with(limited, mutant)
        status = os.waitpid(pid, 0)[1]
        if os.waitstatus_to_exitcode(status) == _BROKEN:
            raise RuntimeError(f"this mutant could not be tried: {mutant}")
        return fate_of(status)


def fate_of(status: int) -> Fate:
    """Return the outcome of a mutant by the wait status of the process that ran its tests."""
    match os.waitstatus_to_exitcode(status):
        case 0:
            return Fate.SURVIVED
        case code if code == -signal.SIGALRM:
            return Fate.TIMED_OUT
        case _:
            return Fate.KILLED


def _end_with(limited: Sequence[tuple[pytest.Item, float]], mutant: Mutant | None) -> NoReturn:
    """End this forked process with the outcome of the tests; pytest does not continue in it."""
    code = _BROKEN
    try:
        code = int(_fails(limited, mutant))
    finally:
        os._exit(code)


def _fails(limited: Sequence[tuple[pytest.Item, float]], mutant: Mutant | None) -> bool:
    """Return True if a test fails, with a mutant if there is one; a test out of time ends the process."""
    gc.unfreeze()  # a test may have run what freezes the modules of a server: none of that is listed
    if mutant is not None:
        code, functions = mutant.code(), list(_functions(mutant))
        assert functions, mutant
        for function in functions:
            function.__code__ = code
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper):
            each.cache_clear()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for item, seconds in limited:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=None)):
            return True
    return False


def _functions(mutant: Mutant) -> Iterator[FunctionType]:
    for each in gc.get_objects():
        if isinstance(each, FunctionType):
            code = each.__code__
            place = (code.co_filename, code.co_qualname, code.co_firstlineno)
            if place == (str(mutant.path), mutant.function, mutant.first_line):
                yield each
