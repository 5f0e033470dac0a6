"""`sweepd up -d` where a server runs on the data already: that one will do, unless another was asked for."""

import argparse
import time
from collections.abc import Sequence

from sweepd_kernel.console import answer, remark
from sweepd_kernel.daemon_state import DaemonState, read_state, ready_line
from sweepd_kernel.data_folder import DataInUseError, holder_of
from sweepd_kernel.errors import StartError

# One that is just starting may have databases of an earlier release to bring forward.
PATIENCE = 15.0
_LOOK_EVERY = 0.05
_SERVING = "serving"


def wishes(flags: argparse.Namespace, rest: Sequence[str]) -> tuple[str, ...]:
    """Return what was asked of a server beside where it listens and keeps its data."""
    level = () if flags.log_level == "info" else (f"--log-level={flags.log_level}",)
    return (*level, *rest)


def take(flags: argparse.Namespace, rest: Sequence[str], held: DataInUseError) -> int:
    """Say where the server is that runs on the data; return the exit code.

    Args:
        flags: those of `up` itself.
        rest: those that are meant for the services.
        held: what kept another one from starting.

    Raises:
        StartError: it does not come to serve, or is not as asked for.
    """
    state = _serving(flags, time.monotonic() + PATIENCE)
    if state is None:
        raise held
    asked = wishes(flags, rest)
    elsewhere = flags.listen is not None and flags.listen.port and str(flags.listen) != state.door
    if elsewhere or (asked and asked != state.arguments):
        how = f"with {' '.join(state.arguments)}" if state.arguments else "without further flags"
        raise StartError(
            f"a server runs on {flags.data} already, at {state.door}, {how}; "
            "`sweepd down` ends it, so that it can be started otherwise"
        )
    remark(f"a server runs on {flags.data} already (process {state.pid})")
    answer(ready_line(state.door, state.data))
    return 0


def _serving(flags: argparse.Namespace, deadline: float) -> DaemonState | None:
    """Return how the server stands once all of it serves; None if it does not, or has ended."""
    while (pid := holder_of(flags.data)) is not None:
        state = read_state(flags.data)
        if state is not None and state.pid == pid and all(each.state == _SERVING for each in state.services):
            return state
        if time.monotonic() >= deadline:
            break
        time.sleep(_LOOK_EVERY)
    return None
