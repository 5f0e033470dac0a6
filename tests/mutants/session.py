"""Test session that records which tests call which functions, then tests mutants in forked processes."""

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
"""Minimum time limit of one test of a mutant, in seconds; a mutant may loop endlessly."""
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
    """Plugin of pytest that replaces its loop over the tests; `report` receives each outcome."""

    core: Path
    sample: int
    seed: int
    report: Callable[[Mutant, Fate], None]
    failing: list[str] = field(default_factory=list)
    """Tests that fail without a mutant and are therefore excluded."""
    _callers: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    _importing: set[tuple[str, str]] = field(default_factory=set)
    """Functions called during imports, without nested functions."""
    _called: set[tuple[str, str]] = field(default_factory=set)
    """Functions called by tests, without nested functions."""
    _seconds: dict[int, float] = field(default_factory=dict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Record the functions that imports call."""
        sys.setprofile(self._watching(self._importing))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run each test once, then the mutants."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        sys.setprofile(None)
        # First of all: the loaded modules still match the files.
        items = session.items
        everything = [each for path in sorted(self.core.rglob("*.py")) for each in mutants_of(path)]
        gc.unfreeze()
        caches = _caches()
        gc.freeze()
        for number, item in enumerate(items):
            for cache in caches:  # else only the first test that needs a cached result calls its function
                cache.cache_clear()
            following = items[number + 1] if number + 1 < len(items) else None
            self._record(number, item, following)
        if (pid := os.fork()) == 0:
            _end_with([(item, 0) for item in items if item.nodeid not in self.failing], None)
        if os.waitpid(pid, 0)[1]:
            raise pytest.UsageError("the tests fail in a forked process, without any mutant")
        # Functions called only during imports are left out: a mutant would have no effect any more.
        late = self._importing - self._called
        everything = [each for each in everything if (str(each.path), each.function) not in late]
        # A separate generator, so that the same seed chooses the same mutants of an unchanged core.
        for mutant in random.Random(self.seed).sample(everything, min(self.sample, len(everything))):
            self.report(mutant, self._tried(mutant, items))
        return True

    def _watching(
        self, outermost: set[tuple[str, str]], number: int | None = None
    ) -> Callable[[FrameType, str, object], None]:
        """Return a profile function that adds the path and name of each called function of the core.

        Calls of a nested function count as calls of its outermost function; `number` is that of the test.
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
        """Run a test; record its duration and the functions of the core that it calls."""
        began = time.monotonic()
        sys.setprofile(self._watching(self._called, number))
        try:
            failed = _has_failed(item, following)
        finally:
            sys.setprofile(None)
        self._seconds[number] = time.monotonic() - began
        # Recording calls makes them several times slower: too slow for a test with a time limit.
        if failed and _has_failed(item, following):
            self.failing.append(item.nodeid)
            for tests in self._callers.values():
                tests.discard(number)

    def _tried(self, mutant: Mutant, items: Sequence[pytest.Item]) -> Fate:
        """Run the tests that call the function, the fastest first, until one fails."""
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
    """Return True if a test fails, with the mutant if given; a test that times out ends the process."""
    gc.unfreeze()  # a test may have frozen the objects of a server, which `get_objects` would not list
    if mutant is not None:
        code, functions = mutant.code(), list(_functions(mutant))
        assert functions, mutant
        for function in functions:
            function.__code__ = code
    for cache in _caches():
        cache.cache_clear()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for item, seconds in limited:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        if _has_failed(item, None):
            return True
    return False


def _caches() -> list[functools._lru_cache_wrapper[object]]:
    """Return the functions that cache their results."""
    return [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]


def _has_failed(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Run a test; return True if it fails."""
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _functions(mutant: Mutant) -> Iterator[FunctionType]:
    for each in gc.get_objects():
        if isinstance(each, FunctionType):
            code = each.__code__
            place = (code.co_filename, code.co_qualname, code.co_firstlineno)
            if place == (str(mutant.path), mutant.function, mutant.first_line):
                yield each
