"""Lines for the person at the terminal, as W&B's module and the libraries that use it print them."""

from sweepd.script.notices import print_line

_said: set[str] = set()
# Lines of a training that says another one each time are not remembered for ever.
_MOST_SAID = 1_000


def termlog(string: str = "", newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print a line to stderr.

    Args:
        string: what to say.
        newline: whether to end the line.
        repeat: whether to say again what was said before.
        prefix: whether to begin with whose line it is.
    """
    _print("", string, newline=newline, repeat=repeat, prefix=prefix)


def termwarn(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print a warning to stderr, as `termlog` does."""
    _print("warning: ", string, newline=newline, repeat=repeat, prefix=prefix)


def termerror(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print an error to stderr, as `termlog` does."""
    _print("error: ", string, newline=newline, repeat=repeat, prefix=prefix)


def termsetup(settings: object = None, logger: object = None) -> None:
    """Do nothing: there is nothing to set up."""


def _print(kind: str, string: str, *, newline: bool, repeat: bool, prefix: bool) -> None:
    line = f"{kind}{string}"
    if not repeat and line in _said:
        return
    if len(_said) < _MOST_SAID:
        _said.add(line)
    begin, end = "sweepd: " if prefix else "", "\n" if newline else ""
    print_line(f"{begin}{line}{end}")
