"""How this process ends, as far as that can be told from within: for runs that no agent has started."""

import sys
import threading
from _sitebuiltins import Quitter
from types import TracebackType
from typing import NoReturn

_INTERRUPTED, _FAILED = 130, 1


class Ending:
    """Hears of exit codes and of exceptions that nobody has caught.

    What it cannot hear of: `raise SystemExit(code)`, `os._exit(code)` and signals that end the process. An
    agent may learn of that from the system.
    """

    def __init__(self) -> None:
        self._code = 0
        self._watches = False

    def watch(self) -> None:
        """Listen from now on; what was heard for an earlier run of this process is forgotten."""
        self._code = 0
        if self._watches:
            return
        self._watches = True
        self._hook = sys.excepthook
        sys.excepthook = self._failed
        sys.exit = self._exits
        quits = Quitter.__call__

        def leave(quitter: Quitter, code: object = None) -> NoReturn:
            self._note(code)
            quits(quitter, code)  # type: ignore[arg-type]

        # `exit` and `quit`, also where a script has got hold of them already.
        Quitter.__call__ = leave  # type: ignore[method-assign,assignment]

    def code(self) -> int:
        """Return the code that the process ends with, as its parent sees it: the lowest eight bits."""
        if self._code == 0 and not hasattr(sys, "ps1"):  # in a notebook, the process outlives its errors
            # Somebody has put a hook of their own in the place of ours: the interpreter notes it, too.
            error: object = getattr(sys, "last_type", None)
            if isinstance(error, type) and issubclass(error, BaseException):
                return code_of_error(error)
        return self._code & 0xFF

    def _failed(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._code = code_of_error(kind)
        self._hook(kind, error, trace)

    def _exits(self, code: object = None) -> NoReturn:
        self._note(code)
        raise SystemExit(code)

    def _note(self, code: object) -> None:
        if threading.current_thread() is threading.main_thread():  # elsewhere it ends the thread alone
            self._code = _code_of(code)


def code_of_error(error: BaseException | type[BaseException] | None) -> int:
    """Return the code of a process that an exception ends, or a kind of exception; None: it ends well."""
    match error:
        case None:
            return 0
        case SystemExit():
            return _code_of(error.code)
    kind = error if isinstance(error, type) else type(error)
    return _INTERRUPTED if issubclass(kind, KeyboardInterrupt) else _FAILED


def _code_of(code: object) -> int:
    """Return the code of a process that is left with `code`."""
    return code if isinstance(code, int) else 0 if code is None else _FAILED
