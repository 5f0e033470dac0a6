"""Function calls in the caller's process, one for each call proxy that an agent starts."""

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

from sweepd.functions.agent_console import heading
from sweepd.functions.child import print_traceback
from sweepd.functions.payload import Function
from sweepd.script.errors import FunctionError

_MAX_VARIABLE_BYTES = 2**20
_MAX_MESSAGE_BYTES = 64
_STOPPED = b"stopped"


class RunStopped(KeyboardInterrupt):
    """Interruption of a function whose run is stopped."""


class Caller:
    """Server for call proxies; calls the function for each proxy, in the thread that created the server."""

    def __init__(self, function: Function, folder: Path) -> None:
        if inspect.iscoroutinefunction(function):
            raise FunctionError("an async function cannot be called in process: remove in_process=True")
        self.receives_signals = False
        self._function = function
        self._thread = threading.get_ident()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Bind via a descriptor, because a socket path must not exceed 107 bytes.
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._listener.bind(f"/proc/self/fd/{descriptor}/caller")
        os.close(descriptor)
        self._listener.listen()
        # Connection to the proxy of the active call.
        self._calling: socket.socket | None = None
        self._stop_requested = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._listener.close()

    def fileno(self) -> int:
        """Return the descriptor that is readable while a run waits for a call of the function."""
        return self._listener.fileno()

    def run_next(self) -> None:
        """Call the function for the waiting run and send the outcome to its proxy."""
        connection, _ = self._listener.accept()
        with connection:
            content, descriptors, _, _ = socket.recv_fds(connection, _MAX_VARIABLE_BYTES, 1)
            if not descriptors:
                return  # the proxy ended before it sent anything
            output = descriptors[0]
            try:
                _finish(0)  # end a run that the caller may have begun; the call begins another
                variables = json.loads(content)
                run, attempt = variables["SWEEPD_RUN_ID"], int(variables["SWEEPD_ATTEMPT"])
                params = json.loads(Path(variables["SWEEPD_PARAMS_FILE"]).read_bytes())
                lines = heading(run, attempt, params)
                sys.stdout.write("".join(f"{line}\n" for line in lines))
                streams = _Tee(sys.stdout, output), _Tee(sys.stderr, output)
                with _variables(variables), redirect_stdout(streams[0]), redirect_stderr(streams[1]):
                    end = self._call(connection)
            finally:
                os.close(output)
            with suppress(OSError):  # the proxy was killed: the run has ended
                connection.send(end)

    def raise_stop(self) -> bool:
        """Raise RunStopped in the function if a stop was requested; called from a signal handler.

        Returns: True if a stop was requested, even if the call has ended.
        """
        if not self._stop_requested:
            return False
        self._stop_requested = False
        if self._calling is not None:
            raise RunStopped
        return True

    def _call(self, connection: socket.socket) -> bytes:
        """Call the function and return the outcome for the proxy."""
        threading.Thread(target=self._watch, args=(connection,), daemon=True).start()
        code = 0
        try:
            try:
                self._calling = connection
                self._function()
            finally:
                self._calling = None
                if not self.receives_signals:
                    _raise_in(self._thread, None)  # cancel a pending exception: the call has ended
        except RunStopped:
            self._calling = None  # the exception may have interrupted the `finally` block
            _finish(1)
            return _STOPPED
        except SystemExit as end:
            code = _exit_code(end)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - any exception fails the run
            print_traceback(error, __file__)
            code = 1
        _finish(code)
        return str(code).encode()

    def _watch(self, connection: socket.socket) -> None:
        """Interrupt the call when its proxy requests a stop or is killed."""
        with suppress(OSError):
            connection.recv(_MAX_MESSAGE_BYTES)
            if self._calling is connection:  # otherwise, the call has ended
                self._interrupt()

    def _interrupt(self) -> None:
        if self.receives_signals:
            self._stop_requested = True
            main_thread = threading.main_thread().ident
            assert main_thread is not None
            signal.pthread_kill(main_thread, signal.SIGINT)  # also interrupts a sleep
        else:
            _raise_in(self._thread, RunStopped)


class _Tee:
    """Stream that writes text to the caller's stream and to the log of a run."""

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
def _variables(given: Mapping[str, str]) -> Iterator[None]:
    """Set the environment variables of a run; restore the environment at the end."""
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


def _finish(code: int) -> None:
    """End the run that the function has begun, so that a later call begins another run."""
    session = sys.modules.get("sweepd.script.session")  # loaded only if a run has begun
    if session is not None:
        session.forget(code)


def _exit_code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    sys.stderr.write(f"{end.code}\n")
    return 1


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise an exception in a thread at its next bytecode; None cancels a pending exception."""
    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
