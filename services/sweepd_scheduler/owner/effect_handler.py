"""Handler of effects once the changes behind them are stored: to streams, studies, readers and the log."""

import logging
from collections.abc import Sequence

from sweepd_scheduler.agents.outboxes import Outboxes
from sweepd_scheduler.domain import effects
from sweepd_scheduler.domain.search.study import SearchEngine
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.reads.watch import Watchers


class ServiceEffectHandler:
    """Effects of the running service; all of them may be repeated."""

    def __init__(
        self, state: State, outboxes: Outboxes, engine: SearchEngine, watchers: Watchers, log: logging.Logger
    ) -> None:
        self._state = state
        self._outboxes = outboxes
        self._engine = engine
        self._watchers = watchers
        self._log = log

    def perform(self, effect: effects.Effect) -> None:
        """Carry out one effect."""
        match effect:
            case effects.SendCommand(session=session, command=command):
                self._outboxes.send(session, command, self._state.sessions.get(session))
            case effects.CloseSession(session=session, error=error):
                self._outboxes.end(session, error)
            case effects.AskStudy(sweep=key, count=count):
                sweep = self._state.sweeps.get(key)
                if sweep is not None:
                    self._engine.ask(sweep, count)
            case effects.LogLine(message=message):
                self._log.warning(message)
            case effects.SetTimer():
                raise AssertionError("timers belong to the owner")

    def publish(self, changes: Sequence[effects.Change], number: int) -> None:
        """Pass changes to the watchers."""
        self._watchers.publish(changes, number)
