"""Entry points of run processes that call a function, in the run process or in the caller's process.

They import only the standard library and the modules that the function imports. They inherit the working
directory and environment of the caller; the private folder has the payload, or the socket of the caller.
"""

import inspect
import io
import json
import linecache
import os
import pickle
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

FUNCTION_FILE = "function.pickle"
CALLER_FILE = "caller.json"
_FORWARDED = ("SWEEPD_", "CUDA_VISIBLE_DEVICES")
_MAX_MESSAGE_BYTES = 64


def call_function() -> None:
    """Call the function in the folder named by the last argument, and exit with its outcome."""
    folder = Path(sys.argv[-1])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Print output at once, and never raise an encoding error.
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    caller = json.loads((folder / CALLER_FILE).read_text(encoding="utf-8", errors="surrogateescape"))
    _apply_caller(**caller)
    try:
        function = pickle.loads((folder / FUNCTION_FILE).read_bytes())  # noqa: S301 - our own account's
        _define_main_names(function)
        _call(function)
    except Exception as error:  # noqa: BLE001 - any exception fails the run
        print_traceback(error, __file__)
        sys.exit(1)


def _apply_caller(*, path: list[str], argv: list[str], cells: dict[str, list[str]]) -> None:
    """Apply search path, arguments and cells of the caller; path entries of the agent remain first."""
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [*(entry for entry in given if entry not in path), *path]
    sys.argv[:] = argv
    for name, lines in cells.items():
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)


def _define_main_names(function: object) -> None:
    """Copy the names of the function's main module to the main module of this process, for pickling."""
    names = getattr(inspect.unwrap(function) if callable(function) else function, "__globals__", {})
    if names.get("__name__") == "__main__":
        main_module = sys.modules["__main__"]
        vars(main_module).update({name: value for name, value in names.items() if not name.startswith("__")})


def _call(function: Callable[[], object]) -> None:
    result = function()
    if inspect.iscoroutine(result):
        import asyncio

        asyncio.run(result)


def print_traceback(error: BaseException, caller: str) -> None:
    """Print the traceback of an error without the leading frames of the file `caller`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == caller:
        trace = trace.tb_next
    sys.stderr.write("".join(traceback.format_exception(type(error), error, trace)))


def proxy_call() -> None:
    """Act as the proxy of a call in the caller's process; the last argument is the folder of the socket.

    Send the environment and the output descriptor to the caller, forward SIGTERM, and exit with the outcome.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder = os.open(Path(sys.argv[-1]), os.O_RDONLY | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{folder}/caller")
    except OSError as error:
        sys.exit(f"the process that called the function has exited: {error.strerror}")
    signal.signal(signal.SIGTERM, lambda number, frame: _forward_stop(connection))
    variables = {name: value for name, value in os.environ.items() if name.startswith(_FORWARDED)}
    socket.send_fds(connection, [json.dumps(variables).encode()], [sys.stdout.fileno()])
    outcome = connection.recv(_MAX_MESSAGE_BYTES)
    if outcome == b"stopped":
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    if not outcome:
        sys.exit("the process that called the function has ended, or was killed")
    sys.exit(int(outcome))


def _forward_stop(connection: socket.socket) -> None:
    with suppress(OSError):  # the call has just ended
        connection.send(b"stop")
