"""Ctrl-C may arrive at any time and is raised once."""

from __future__ import annotations

import signal
import weakref

import pytest

from sweepd.cli.commands.local.processes import Interrupts
from waiting import until


class Thing:
    """Object that supports weak references."""


def interrupted_in_a_callback() -> None:
    thing = Thing()
    dropping = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
    del thing
    assert dropping() is None
    until(lambda: False, what="the interrupt")


def interrupted_twice_behind_a_shield(interrupts: Interrupts) -> None:
    with interrupts.shield():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_in_a_callback_that_drops_errors_is_raised_after_the_callback() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            interrupted_in_a_callback()
        assert interrupts.interrupted


def test_interrupts_during_a_shield_are_raised_once_at_its_end() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            interrupted_twice_behind_a_shield(interrupts)
        signal.raise_signal(signal.SIGINT)
