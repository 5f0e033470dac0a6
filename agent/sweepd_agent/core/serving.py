"""What an agent hears about the sweeps that it serves: that one has ended, or gives it no runs."""

from collections.abc import Mapping
from dataclasses import replace

from sweepd.spec.arguments.command import uses_program
from sweepd_agent.core.attempt import Assignment, Json
from sweepd_agent.core.effects import Say
from sweepd_agent.core.events import SweepEnded, Withholding
from sweepd_agent.core.turn import Turn

NO_PROGRAM = (
    "has no `program`: its runs are a function's; call sweepd.agent(ID, function) in Python instead, "
    "or create it with a program"
)
"""What an agent that starts programs says of a sweep that names none."""


def lacks_program(assignment: Assignment) -> bool:
    """Whether the command of a run needs a program that its sweep does not name."""
    return not assignment.program and uses_program(assignment.command)


def ended(turn: Turn, event: SweepEnded) -> None:
    """Serve a sweep no more."""
    if event.sweep not in turn.state.sweeps:
        return
    rest = turn.state.sweeps - {event.sweep}
    turn.state = replace(turn.state, sweeps=rest, served=rest or turn.state.sweeps)
    fields: dict[str, Json] = {
        "command": "sweep ended",
        "sweep": event.sweep,
        "state": event.state,
        "reason": event.reason,
    }
    turn.do(Say("command", None, fields))


def withheld_at_welcome(turn: Turn, withheld: Mapping[str, Withholding]) -> None:
    """Take over which sweeps give no runs; of those that have ended here, what was said last stays."""
    for sweep in sorted(turn.state.sweeps | withheld.keys()):
        withhold(turn, sweep, withheld.get(sweep))


def withhold(turn: Turn, sweep: str, withholding: Withholding | None) -> None:
    """Note why there are no runs of a sweep, None if there are; say so once, until the reason changes."""
    before = turn.state.withheld.get(sweep)
    rest = {other: said for other, said in turn.state.withheld.items() if other != sweep}
    if withholding is not None:
        rest[sweep] = withholding
    turn.state = replace(turn.state, withheld=rest)
    if (before and before.reason) == (withholding and withholding.reason):
        return
    fields: dict[str, Json] = {
        "sweep": sweep,
        "reason": None if withholding is None else withholding.reason.value,
        "message": "" if withholding is None else withholding.message,
    }
    turn.do(Say("withheld", None, fields))
