"""Exit code that a process can determine for itself."""

import sys
import threading
from _sitebuiltins import Quitter
from contextlib import suppress

import pytest

from sweepd.script.exit_code import ExitCode


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> ExitCode:
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)
    monkeypatch.setattr(sys, "exit", sys.exit)
    monkeypatch.setattr(Quitter, "__call__", Quitter.__call__)
    monkeypatch.delattr(sys, "ps1", raising=False)
    monkeypatch.delattr(sys, "last_type", raising=False)
    ending = ExitCode()
    ending.watch()
    return ending


def test_hooks_are_installed_once_for_any_number_of_runs(ending: ExitCode) -> None:
    before = sys.excepthook, sys.exit, Quitter.__call__
    with pytest.raises(SystemExit):
        sys.exit(3)
    assert ending.value() == 3
    for _ in range(3):
        ending.watch()
    assert ending.value() == 0
    assert before == (sys.excepthook, sys.exit, Quitter.__call__)


@pytest.mark.parametrize(("kind", "code"), [(ValueError, 1), (KeyboardInterrupt, 130)])
def test_an_exception_is_observed_even_if_another_hook_has_replaced_ours(
    ending: ExitCode, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException], code: int
) -> None:
    sys.excepthook(kind, kind(), None)
    assert ending.value() == code
    ending.watch()
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)
    monkeypatch.setattr(sys, "last_type", kind, raising=False)  # as the interpreter sets it
    assert ending.value() == code


@pytest.mark.parametrize(("given", "code"), [(-1, 255), (256, 0), (True, 1), ("a sentence", 1), (None, 0)])
def test_the_code_is_the_one_that_a_parent_process_sees(ending: ExitCode, given: object, code: int) -> None:
    with pytest.raises(SystemExit):
        sys.exit(given)  # type: ignore[arg-type]
    assert ending.value() == code


def test_errors_in_a_notebook_do_not_end_it(ending: ExitCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(sys, "last_type", ValueError, raising=False)
    assert ending.value() == 0


def test_an_exiting_thread_does_not_set_the_code(ending: ExitCode) -> None:
    def leave() -> None:
        with suppress(SystemExit):
            sys.exit(6)

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert ending.value() == 0
