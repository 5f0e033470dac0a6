"""The process of a run that is a call of a function: loads it as its caller had it, and calls it.

Standard library only, and what the function brings along. The caller's working folder and environment are
inherited; the packed function, where modules are found and the text of cells are in the private folder.
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
    """Call the function that is packed in the folder named by the last argument, and end as it ended."""
    folder = Path(sys.argv[-1])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What is printed is seen at once, and no letter of it ends a training.
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    _settle_in(json.loads((folder / _CALLER_FILE).read_text(encoding="utf-8", errors="surrogateescape")))
    try:
        function = pickle.loads((folder / _FUNCTION_FILE).read_bytes())  # noqa: S301 - our own account's
        _make_main_of(function)
        _call(function)
    except Exception as error:  # noqa: BLE001 - whatever a function raises, its run has failed
        tell(error, __file__)
        sys.exit(1)


def _settle_in(caller: dict[str, list[str]] | dict[str, dict[str, list[str]]]) -> None:
    """Find modules as the caller does; what the agent has put before them stays there."""
    path, argv, cells = caller["path"], caller["argv"], caller["cells"]
    assert isinstance(path, list)
    assert isinstance(argv, list)
    assert isinstance(cells, dict)
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [*(entry for entry in given if entry not in path), *path]
    sys.argv[:] = argv
    for name, lines in cells.items():
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)


def _make_main_of(function: object) -> None:
    """Give the names of the function's main module to this one: what is packed again here refers to them."""
    names = getattr(inspect.unwrap(function) if callable(function) else function, "__globals__", {})
    if names.get("__name__") == "__main__":
        main_module = sys.modules["__main__"]
        vars(main_module).update({name: value for name, value in names.items() if not name.startswith("__")})


def _call(function: Callable[[], object]) -> None:
    result = function()
    if inspect.iscoroutine(result):
        import asyncio

        asyncio.run(result)


def tell(error: BaseException, caller: str) -> None:
    """Print the traceback, from the function on: without the frames of `caller`, the file that called it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == caller:
        trace = trace.tb_next
    sys.stderr.write("".join(traceback.format_exception(type(error), error, trace)))
