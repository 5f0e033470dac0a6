"""W&B's functions that print lines to the terminal."""

from sweepd.script.notices import print_line

_printed: set[str] = set()
# Limit for remembered lines, as a training may print a new one each time.
_MAX_PRINTED = 1_000


def termlog(string: str = "", newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print a line to stderr.

    Args:
        string: text of the line.
        newline: whether to end the line.
        repeat: whether to print a line again.
        prefix: whether the line begins with `sweepd: `.
    """
    _print("", string, newline=newline, repeat=repeat, prefix=prefix)


def termwarn(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print a warning to stderr, see `termlog`."""
    _print("warning: ", string, newline=newline, repeat=repeat, prefix=prefix)


def termerror(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print an error to stderr, see `termlog`."""
    _print("error: ", string, newline=newline, repeat=repeat, prefix=prefix)


def termsetup(settings: object = None, logger: object = None) -> None:
    """Do nothing: no setup is needed."""


def _print(kind: str, string: str, *, newline: bool, repeat: bool, prefix: bool) -> None:
    line = f"{kind}{string}"
    if not repeat and line in _printed:
        return
    if len(_printed) < _MAX_PRINTED:
        _printed.add(line)
    begin, end = "sweepd: " if prefix else "", "\n" if newline else ""
    print_line(f"{begin}{line}{end}")
