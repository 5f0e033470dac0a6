"""Exit code of the current process, recorded in the process itself, for standalone runs."""

import sys
import threading
from _sitebuiltins import Quitter
from types import TracebackType
from typing import NoReturn

_INTERRUPTED, _FAILED = 130, 1


class ExitCode:
    """Recorder of calls of `sys.exit` and of uncaught exceptions.

    It does not record `raise SystemExit(code)`, `os._exit(code)` or signals that end the process; in these
    cases, an agent may read the exit status from the operating system.
    """

    def __init__(self) -> None:
        self._code = 0
        self._installed = False

    def watch(self) -> None:
        """Start recording; clear the code of an earlier run of this process."""
        self._code = 0
        if self._installed:
            return
        self._installed = True
        self._hook = sys.excepthook
        sys.excepthook = self._on_error
        sys.exit = self._exit
        original_quit = Quitter.__call__

        def quit_recorded(quitter: Quitter, code: object = None) -> NoReturn:
            self._record(code)
            original_quit(quitter, code)  # type: ignore[arg-type]

        # Also covers `exit` and `quit`, even if a script has already imported them.
        Quitter.__call__ = quit_recorded  # type: ignore[method-assign,assignment]

    def value(self) -> int:
        """Return the exit code of the process as its parent sees it: the lowest eight bits."""
        if self._code == 0 and not hasattr(sys, "ps1"):  # a notebook survives exceptions
            # Another hook may have replaced ours; the interpreter records the exception in any case.
            error: object = getattr(sys, "last_type", None)
            if isinstance(error, type) and issubclass(error, BaseException):
                return code_of_error(error)
        return self._code & 0xFF

    def _on_error(self, kind: type[BaseException], error: BaseException, tb: TracebackType | None) -> None:
        self._code = code_of_error(kind)
        self._hook(kind, error, tb)

    def _exit(self, code: object = None) -> NoReturn:
        self._record(code)
        raise SystemExit(code)

    def _record(self, code: object) -> None:
        if threading.current_thread() is threading.main_thread():  # elsewhere it ends only its thread
            self._code = _code_of(code)


def code_of_error(error: BaseException | type[BaseException] | None) -> int:
    """Return the exit code that an exception, or a type of exceptions, causes; None: success."""
    match error:
        case None:
            return 0
        case SystemExit():
            return _code_of(error.code)
    kind = error if isinstance(error, type) else type(error)
    return _INTERRUPTED if issubclass(kind, KeyboardInterrupt) else _FAILED


def _code_of(code: object) -> int:
    """Return the exit code for the argument of `sys.exit`."""
    return code if isinstance(code, int) else 0 if code is None else _FAILED
