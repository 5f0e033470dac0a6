"""The substitute for `dataclasses.replace` behaves like the original."""

import dataclasses
import inspect
import pkgutil
from dataclasses import FrozenInstanceError, dataclass
from importlib import import_module
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from sweepd_scheduler import domain
from sweepd_scheduler.domain import replacing
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Attempt, Stop, StopMode
from sweepd_scheduler.domain.transitions import AttemptState


@dataclass(frozen=True, slots=True)
class Single:
    """One field alone."""

    value: int


def modules(package: ModuleType) -> list[ModuleType]:
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [import_module(each.name) for each in found]


def test_a_copy_has_every_field_and_the_named_changes() -> None:
    before = Attempt(number=1, agent="a", host="h", state=AttemptState.RUNNING, assign_time=5, argv=("x",))
    after = replace(before, state=AttemptState.ENDED, end_time=9)
    assert after == dataclasses.replace(before, state=AttemptState.ENDED, end_time=9)
    assert before.state is AttemptState.RUNNING, "the first is as it was"
    assert replace(Single(1), value=2) == Single(2)
    assert replace(Single(1)) == Single(1)


def test_each_class_is_learnt_when_it_is_first_copied() -> None:
    @dataclass(frozen=True, slots=True)
    class Unknown:
        value: int

    first = Unknown(1)
    assert replace(first, value=2) == Unknown(2)
    with patch.object(replacing, "_copying") as learn:
        assert replace(first, value=3) == Unknown(3)
    assert not learn.called, "it is known by now"


def test_a_copy_is_frozen_too() -> None:
    copy = replace(Stop(mode=StopMode.KILL, reason="enough"), reason="more")
    with pytest.raises(FrozenInstanceError):
        copy.reason = "less"  # type: ignore[misc]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(KeyError):
        replace(Single(1), other=2)  # type: ignore[call-arg]


def kinds() -> list[type[Any]]:
    classes = {
        kind
        for module in modules(domain)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if dataclasses.is_dataclass(kind) and kind.__module__.startswith(domain.__name__)
    }
    return sorted(classes, key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_entity_of_the_core_can_be_copied(kind: type[Any]) -> None:
    assert "__slots__" in vars(kind), "it copies slots"
    assert not hasattr(kind, "__post_init__"), "it calls no __post_init__"
