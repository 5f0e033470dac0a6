from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sweepd import FunctionError
from sweepd.functions.payload import check_function, pack


class Holder:
    def __init__(self) -> None:
        self.guard = threading.Lock()

    def train(self) -> None:
        """Use a lock that is an attribute."""


def closing_over_a_lock() -> Callable[[], object]:
    lock = threading.Lock()
    return lambda: lock


def closing_over_a_deep_one() -> Callable[[], object]:
    deep = {"a": [1, {"b": threading.Lock()}]}
    return lambda: deep


def calling_another() -> Callable[[], object]:
    other = closing_over_a_lock()

    def outer() -> object:
        def inner() -> object:
            return other()

        return inner()

    return outer


guard = threading.Lock()


def using_an_attribute_of_that_name() -> Callable[[], object]:
    class Other:
        guard = 1

    other = Other()

    def use(lock: object = guard) -> object:
        return other.guard, lock

    return use


def sleeping(seconds: object, *, lock: object) -> None:
    """Take an argument that cannot be pickled."""


@pytest.mark.parametrize(
    ("function", "named"),
    [
        # A global variable of the same name is not used.
        (using_an_attribute_of_that_name(), "use refers to its default 1 (_thread.lock), which cannot"),
        (
            functools.partial(sleeping, 1, lock=threading.Lock()),
            "the function refers to lock (_thread.lock), which cannot",
        ),
        (
            functools.partial(sleeping, threading.Lock(), lock=1),
            "the function refers to its arguments[0] (_thread.lock), which cannot",
        ),
        (closing_over_a_lock(), "<lambda> refers to lock (_thread.lock), which cannot be sent"),
        (closing_over_a_deep_one(), "<lambda> refers to deep['a'][1]['b'] (_thread.lock), which cannot"),
        (calling_another(), "outer refers to other.lock (_thread.lock), which cannot"),
        (Holder().train, "train refers to self.guard (_thread.lock), which cannot"),
    ],
)
def test_an_unpicklable_object_is_named(tmp_path: Path, function: Callable[[], object], named: str) -> None:
    with pytest.raises(FunctionError) as raised:
        pack(function, tmp_path)
    assert str(raised.value).startswith(named)
    assert str(raised.value).endswith("or call agent(…, in_process=True)")
    assert list(tmp_path.iterdir()) == []


def test_a_function_is_refused_only_if_it_needs_arguments_it_does_not_have() -> None:
    def needs(x: int) -> int:
        return x

    check_function(lambda x=1: x)
    check_function(functools.partial(needs, 1))
    check_function(dict)
    with pytest.raises(FunctionError, match=r"needs is called .*, but needs some \(missing .*'x'\)"):
        check_function(needs)
    with pytest.raises(FunctionError, match="not str"):
        check_function("train")
