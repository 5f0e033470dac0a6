"""Process of a run that is a function call: loads the payload and calls the function.

Uses the standard library and what the function imports. The working directory and environment of the caller
are inherited; the payload is in the private folder.
"""

import inspect
import io
import json
import linecache
import os
import pickle
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

_FUNCTION_FILE = "function.pickle"
_CALLER_FILE = "caller.json"


def main() -> None:
    """Call the function in the folder named by the last argument, and exit with its outcome."""
    folder = Path(sys.argv[-1])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Output appears at once, and no character of it fails a training.
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    _apply_caller(json.loads((folder / _CALLER_FILE).read_text(encoding="utf-8", errors="surrogateescape")))
    try:
        function = pickle.loads((folder / _FUNCTION_FILE).read_bytes())  # noqa: S301 - our own account's
        _define_main_names(function)
        _call(function)
    except Exception as error:  # noqa: BLE001 - any exception fails the run
        print_traceback(error, __file__)
        sys.exit(1)


def _apply_caller(caller: dict[str, list[str]] | dict[str, dict[str, list[str]]]) -> None:
    """Apply search path, arguments and cells of the caller; entries that the agent added stay first."""
    path, argv, cells = caller["path"], caller["argv"], caller["cells"]
    assert isinstance(path, list)
    assert isinstance(argv, list)
    assert isinstance(cells, dict)
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [*(entry for entry in given if entry not in path), *path]
    sys.argv[:] = argv
    for name, lines in cells.items():
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)


def _define_main_names(function: object) -> None:
    """Copy the names of the function's main module to this one, for pickling in this process."""
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
    """Print the traceback without the leading frames of the file `caller`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == caller:
        trace = trace.tb_next
    sys.stderr.write("".join(traceback.format_exception(type(error), error, trace)))
