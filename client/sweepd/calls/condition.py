"""Conditions to wait for: the end, a state, or a value of the objective."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from sweepd.errors import invalid
from sweepd.states import FINAL_RUN, FINAL_SWEEP

_COMPARISON = re.compile(r"best\s*(<=|>=|<|>)\s*(\S+)")
_STATES = frozenset({"pending", "assigned", "running", "paused", *FINAL_SWEEP, *FINAL_RUN})
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One of: the end as such (neither set), a state, a comparison."""

    state: str | None = None
    comparison: str | None = None
    bound: float = 0.0

    @property
    def is_end(self) -> bool:
        """True if any end fulfils it."""
        return self.state is None and self.comparison is None

    def holds(self, state: str, best: float | None) -> bool:
        """Tell whether it is fulfilled by this state and this best value."""
        if self.comparison is not None:
            return best is not None and _COMPARE[self.comparison](best, self.bound)
        return self.state is not None and state == self.state


def parse_condition(text: str) -> Condition:
    """Read `finished` (the end), another state, or `best<0.1`.

    Raises:
        InvalidError: it is none of these.
    """
    if text == "finished":
        return Condition()
    if text in _STATES:
        return Condition(state=text)
    match = _COMPARISON.fullmatch(text)
    try:
        if match is not None and isfinite(float(match[2])):
            return Condition(comparison=match[1], bound=float(match[2]))
    except ValueError:
        pass
    raise invalid(
        f"nothing to wait for: {text!r}", "write 'finished', another state, or a bound as 'best<0.1'"
    )
