"""Setup of all tests: stubs that match the contract, and requirements that this machine meets."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import machine
from postgresql import postgresql as postgresql

ROOT = Path(__file__).resolve().parent.parent

# Imports leave no garbage: looking for it while tests are collected would take a tenth of the time.
gc.disable()

# Linear algebra in one thread, as in the workers: threads that wait for each other would count as work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests start a thousand interpreters: each would compile all that it imports, and this one all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell that starts the tests in its background has the processes that they start ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A loaded machine is no failure: no deadlines, and drawing may be slow. `make test-slow` looks for longer.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("short", _PATIENT, max_examples=50)
settings.register_profile("long", _PATIENT, max_examples=2_000)


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
"""Files that come first, so that none is left for the end; then folder after folder."""
FOLDERS = ("frozen", "system", "component", "conformance", "frameworks", "fuzz", "mutants", "unit")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test stubs of another contract than the one in `protos`."""
    assert all((ROOT / "tests" / file).exists() for file in LONGEST)
    digest = ROOT / "client" / "sweepd" / "v1" / "contract_pb2.sha256"
    if not digest.exists() or digest.read_text().strip() != _contract_digest():
        raise pytest.UsageError("the generated stubs are not those of protos/: run `make protos`")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options for the effort of property tests, and for updating the frozen files."""
    parser.addoption("--long", action="store_true", help="try properties on many more examples")
    parser.addoption("--freeze", action="store_true", help="write the golden files of tests/frozen anew")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose the number of examples."""
    settings.load_profile("long" if session.config.getoption("--long") else "short")


def _place(item: pytest.Item) -> int:
    file = item.path.relative_to(ROOT / "tests")
    if str(file) in LONGEST:
        return LONGEST.index(str(file)) - len(LONGEST)
    return FOLDERS.index(file.parts[0]) if file.parts[0] in FOLDERS else len(FOLDERS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest. Skip what the machine cannot run; on a build server that is an error."""
    items.sort(key=_place)
    for item in items:
        for marker in item.iter_markers("needs"):
            lacking = machine.lacking(*marker.args)
            if lacking and os.environ.get("CI"):
                raise pytest.UsageError(f"{item.nodeid} needs {', '.join(lacking)}, which this machine lacks")
            if lacking:
                item.add_marker(pytest.mark.skip(reason=f"this machine lacks {', '.join(lacking)}"))


def pytest_collection_finish() -> None:
    """Collect garbage again, but not among what was imported: that stays to the end."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name in one line what the machine lacks."""
    lacking = machine.lacking(*machine.CAPABILITIES)
    if lacking:
        terminalreporter.write_line(
            f"This machine lacks {', '.join(lacking)}: tests that need it are skipped."
        )
