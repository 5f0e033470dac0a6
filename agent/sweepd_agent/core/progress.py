"""The one line that shows on a terminal how an agent gets on."""

from sweepd_agent.core.state import State

_BAR = 20


def progress(state: State, now: float, width: int) -> str:
    """Return the line, not longer than `width`: a bar where the end is known, what is done, and for how long.

    Args:
        state: the agent; runs that have ended here are done, failed and stopped ones included.
        now: monotonic, as `state.started`.
        width: columns of the terminal.
    """
    live = sum(held.has_process for held in state.held.values())
    count = state.settings.count
    done = f"{state.ended}/{count} runs done" if count is not None else f"{state.ended} runs done"
    parts = [done, f"{live} live", f"{state.failed} failed", _time(now - state.started)]
    if state.leaving is not None:
        parts.append("ending")
    elif not state.connected:
        parts.append("away from the server")
    text = " · ".join(parts)
    bar = _bar(state.ended, live, count) if count is not None else _bar(0, live, state.settings.slots)
    return f"{bar} {text}"[: max(0, width)]


def _bar(done: int, live: int, whole: int) -> str:
    """Return a bar of what is done, and of what is live, of a whole."""
    full = _BAR * min(done, whole) // whole
    begun = -(-_BAR * min(done + live, whole) // whole) - full
    return f"[{'█' * full}{'▒' * begun}{'░' * (_BAR - full - begun)}]"


def _time(seconds: float) -> str:
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}"
