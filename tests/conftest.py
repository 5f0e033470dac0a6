"""Setup of all tests: checks of the generated stubs, order of the tests, and skips for missing programs."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import required_programs
from postgresql import postgresql as postgresql

ROOT = Path(__file__).resolve().parent.parent

# Imports leave no garbage; looking for it would take a tenth of the time of the collection of tests.
gc.disable()

# Linear algebra uses one thread, as in the workers: threads that wait for each other would use CPU time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests start a thousand interpreters: without bytecode, each would compile all modules that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# In the background of a shell, SIGINT is ignored, and processes that the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A loaded machine must not fail a test: no deadlines, and slow draws. `make test-slow` tries more examples.
_LENIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("short", _LENIENT, max_examples=50)
settings.register_profile("long", _LENIENT, max_examples=2_000)


def _contract_digest() -> str:
    location = importlib.util.spec_from_file_location("contract_build", ROOT / "protos" / "build.py")
    assert location is not None
    assert location.loader is not None
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return str(module.contract_digest())


LONGEST = (
    "system/test_demo.py",
    "component/spec/test_space_limits.py",
    "system/test_hostile_files.py",
    "component/suggestion/test_search_quality.py",
    "system/test_sweeps_points.py",
    "system/test_faults.py",
)
"""Files that run first, so that none runs alone at the end; the folders follow in order."""
FOLDERS = ("frozen", "system", "component", "conformance", "frameworks", "fuzz", "mutants", "unit")


def pytest_configure(config: pytest.Config) -> None:
    """Fail unless the stubs are generated from the current files in `protos`."""
    assert all((ROOT / "tests" / file).exists() for file in LONGEST)
    digest = ROOT / "client" / "sweepd" / "v1" / "contract_pb2.sha256"
    if not digest.exists() or digest.read_text().strip() != _contract_digest():
        raise pytest.UsageError("the generated stubs are out of date: run `make protos`")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options for more examples in property tests, and for rewriting the golden files."""
    parser.addoption("--long", action="store_true", help="run property tests with many more examples")
    parser.addoption("--freeze", action="store_true", help="rewrite the golden files of tests/frozen")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose the number of examples of property tests."""
    settings.load_profile("long" if session.config.getoption("--long") else "short")


def _sort_key(item: pytest.Item) -> int:
    file = item.path.relative_to(ROOT / "tests")
    if str(file) in LONGEST:
        return LONGEST.index(str(file)) - len(LONGEST)
    return FOLDERS.index(file.parts[0]) if file.parts[0] in FOLDERS else len(FOLDERS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, and mark unit tests.

    Skip tests whose programs are missing; on CI that is an error.
    """
    items.sort(key=_sort_key)
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "unit"):
            item.add_marker("unit")
        for marker in item.iter_markers("needs"):
            missing = required_programs.missing(*marker.args)
            if missing and os.environ.get("CI"):
                raise pytest.UsageError(f"{item.nodeid} needs {', '.join(missing)}, which this machine lacks")
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"this machine lacks {', '.join(missing)}"))


def pytest_collection_finish() -> None:
    """Enable garbage collection, except of the imported modules, which live until the end."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the missing programs in one line."""
    missing = required_programs.missing(*required_programs.PROGRAMS)
    if missing:
        terminalreporter.write_line(
            f"This machine lacks {', '.join(missing)}: tests that need it are skipped."
        )
