"""Calls a function in the caller's own process, for each run that an agent hands out to its stand-in."""

import ctypes
import inspect
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Self, TextIO

from sweepd.functions.baggage import Function
from sweepd.functions.child import tell
from sweepd.functions.errors import FunctionError
from sweepd.functions.shown import heading

_MOST_VARIABLES = 2**20
_LONGEST_WORD = 64
_STOPPED = b"stopped"


class RunStopped(KeyboardInterrupt):
    """Raised within a function whose run is to end."""


class Caller:
    """Listens for stand-ins, and calls the function for one after the other, in the thread that made it."""

    def __init__(self, function: Function, folder: Path) -> None:
        if inspect.iscoroutinefunction(function):
            raise FunctionError("in_process=True cannot call an async function: leave it out")
        self.hears_signals = False
        self._function = function
        self._thread = threading.get_ident()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # By descriptor: names of sockets may have 107 bytes, folders more.
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._listener.bind(f"/proc/self/fd/{descriptor}/caller")
        os.close(descriptor)
        self._listener.listen()
        # The connection of the run whose call goes on.
        self._calling: socket.socket | None = None
        self._stop_asked = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._listener.close()

    def fileno(self) -> int:
        """What can be read when a run waits for its call."""
        return self._listener.fileno()

    def run_next(self) -> None:
        """Call the function for the run that waits, and tell its stand-in how it ended."""
        connection, _ = self._listener.accept()
        with connection:
            content, descriptors, _, _ = socket.recv_fds(connection, _MOST_VARIABLES, 1)
            if not descriptors:
                return  # it was ended before it could say anything
            output = descriptors[0]
            try:
                _finish(0)  # a run that the caller has begun: the one that is called for begins another
                variables = json.loads(content)
                run, attempt = variables["SWEEPD_RUN_ID"], int(variables["SWEEPD_ATTEMPT"])
                lines = heading(run, attempt, _params(variables))
                sys.stdout.write("".join(f"{line}\n" for line in lines))
                with _variables(variables), _copied_to(output):
                    end = self._call(connection)
            finally:
                os.close(output)
            with suppress(OSError):  # it was killed: the run has ended without us
                connection.send(end)

    def raise_stop(self) -> bool:
        """Within a signal handler: raise in the function if that is what the signal is about.

        Returns: whether it was; a stop that comes too late is dropped.
        """
        if not self._stop_asked:
            return False
        self._stop_asked = False
        if self._calling is not None:
            raise RunStopped
        return True

    def _call(self, connection: socket.socket) -> bytes:
        """Return the word that tells the stand-in how the call ended."""
        threading.Thread(target=self._watch, args=(connection,), daemon=True).start()
        code = 0
        try:
            try:
                self._calling = connection
                self._function()
            finally:
                self._calling = None
                if not self.hears_signals:
                    _raise_in(self._thread, None)  # one that has not come yet comes too late
        except RunStopped:
            self._calling = None  # it may have come right before
            _finish(1)
            return _STOPPED
        except SystemExit as end:
            code = _exit_code(end)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, the run has failed
            tell(error, __file__)
            code = 1
        _finish(code)
        return str(code).encode()

    def _watch(self, connection: socket.socket) -> None:
        """Wait for the word of a stop; a stand-in that was killed can say nothing, and means it, too."""
        with suppress(OSError):
            connection.recv(_LONGEST_WORD)
            if self._calling is connection:  # and no later one
                self._interrupt()

    def _interrupt(self) -> None:
        if self.hears_signals:
            self._stop_asked = True
            main_thread = threading.main_thread().ident
            assert main_thread is not None
            signal.pthread_kill(main_thread, signal.SIGINT)  # it ends a sleep, too
        else:
            _raise_in(self._thread, RunStopped)


class _Copy:
    """A stream of the caller whose text also goes to the log of a run; all else is the stream's."""

    def __init__(self, stream: TextIO, descriptor: int) -> None:
        self._stream = stream
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        with suppress(OSError):
            os.write(self._descriptor, text.encode("utf-8", "backslashreplace"))
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def _copied_to(descriptor: int) -> Iterator[None]:
    with redirect_stdout(_Copy(sys.stdout, descriptor)), redirect_stderr(_Copy(sys.stderr, descriptor)):
        yield


@contextmanager
def _variables(given: Mapping[str, str]) -> Iterator[None]:
    """Have the variables of a run for a while, and those of before afterwards."""
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value


def _params(variables: Mapping[str, str]) -> Mapping[str, object]:
    params: Mapping[str, object] = json.loads(Path(variables["SWEEPD_PARAMS_FILE"]).read_bytes())
    return params


def _finish(code: int) -> None:
    """End the run that the function has begun, so that a later one is another."""
    session = sys.modules.get("sweepd.script.session")  # whoever has begun one has loaded it
    if session is not None:
        session.forget(code)


def _exit_code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    sys.stderr.write(f"{end.code}\n")
    return 1


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have a thread raise at its next bytecode; None takes that back."""
    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
