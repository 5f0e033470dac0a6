"""Unusual spaces and histories: no proposal fails, lies outside the space or takes too long."""

import json
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest

from suggestion_studies import MIXED, SMALL, a_spec, a_trial, finished
from sweepd.spec.point import InfeasibleError, Point, point_digest
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_suggestion.domain.gaussian_process import answer
from sweepd_suggestion.domain.proposal import question
from sweepd_suggestion.domain.questions import Proposal
from sweepd_suggestion.domain.study import (
    Ended,
    HandedOut,
    Observation,
    Outcome,
    RungReached,
    Study,
    objections,
)
from sweepd_suggestion.worker_process import encoded

DEADLINE = 8.0
"""Seconds of CPU: about half of what a caller waits for an answer."""

UNIT = {"min": 0.0, "max": 1.0}
KINDS: list[dict[str, object]] = [
    {"min": 0.0, "max": 1.0},
    {"values": ["a", "b", None]},
    {"min": 1, "max": 9},
]
ODD_ROWS: list[object] = [None, True, 1, "1", 1.5, [1, None], {"a": [1]}, 2]
LONG = [letter * size for letter, size in (("a", 500_000), ("b", 400_000), ("ü", 80_000), ("d", 500_000))]


@dataclass(frozen=True)
class Space:
    parameters: Mapping[str, object]
    constraints: Sequence[str] = ()
    zip: Sequence[Sequence[str]] = ()

    def spec(self) -> SweepSpec:
        return a_spec(self.parameters, constraints=list(self.constraints), zip=list(self.zip))


SPACES = {
    "one value beside a number": Space({"a": {"values": ["x"]}, "x": UNIT}),
    "two points": Space({"a": {"values": [0, False]}}),
    "small": Space(SMALL),
    "mixed": Space(MIXED),
    "300 numbers": Space({f"x{i}": UNIT for i in range(300)}),
    "300 of all kinds": Space(
        {f"p{i}": KINDS[i % 3] for i in range(200)}
        | {f"p{i}": {**KINDS[i % 3], "when": "p1 == 'a'"} for i in range(200, 300)},
        constraints=["p0 + p3 <= 1.5"],
    ),
    "values of 500 KiB": Space({"text": {"values": LONG}, "x": UNIT, "n": {"min": 1, "max": 3}}),
    "feasible by one in 10,000": Space({"x": UNIT, "y": UNIT}, constraints=["abs(x - y) < 0.0001"]),
    "feasible on few of many points": Space(
        {name: {"min": 0, "max": 30} for name in "abc"}, constraints=["a + b == c", "a * b == 2 * c"]
    ),
    "a parameter that is never there": Space(
        {"a": {"values": [1, 2]}, "b": {**UNIT, "when": "a == 3"}, "x": UNIT}
    ),
    "nearly everything is absent": Space(
        {"a": {"min": 0.0, "max": 1.0}} | {f"b{i}": {**UNIT, "when": f"a < {i / 1e4}"} for i in range(20)}
    ),
    "a zip of mixed types": Space(
        {"left": {"values": ODD_ROWS}, "right": {"values": list(reversed(ODD_ROWS))}, "x": UNIT},
        zip=[["left", "right"]],
    ),
    "integers to 2^53": Space({"n": {"min": -(2**53), "max": 2**53}, "m": {"min": 0, "max": 2**53 - 1}}),
    "integers to 2^62": Space({"n": {"min": 0, "max": 2**62}, "m": {"min": 2**62, "max": 2**62 + 2}}),
    "floats to 1e300": Space({"x": {"min": -1e300, "max": 1e300}, "y": {"min": 1e-300, "max": 2e-300}}),
    "a wide logarithm": Space({"x": {"distribution": "log_uniform_values", "min": 1e-300, "max": 1e300}}),
    "shapes with spikes": Space(
        {
            "beta": {"distribution": "beta", "a": 0.001, "b": 0.001},
            "normal": {"distribution": "normal", "sigma": 1e-12, "mu": 1e6},
            "q": {"distribution": "q_normal", "mu": 0, "sigma": 1, "q": 1000},
        }
    ),
}


def by_digest(point: Point) -> float:
    return (int.from_bytes(point_digest(point)[:4], "big") % 1000) / 1000


def failed(number: int, **values: float) -> Ended:
    return Ended(run_number=number, outcome=Outcome.FAILED, **values)


def nothing(number: int, point: Point) -> list[Observation]:
    return [HandedOut(run_number=number, point=point)]


def all_failed(number: int, point: Point) -> list[Observation]:
    return [*nothing(number, point), failed(number)]


def failed_with_values(number: int, point: Point) -> list[Observation]:
    return [*nothing(number, point), failed(number, best=0.0, worst=1.0, last=0.5)]


def all_equal(number: int, point: Point) -> list[Observation]:
    return a_trial(number, point, 3.0)


def nearly_equal(number: int, point: Point) -> list[Observation]:
    return a_trial(number, point, 1e9 + 1e-7 * by_digest(point))


def huge(number: int, point: Point) -> list[Observation]:
    return a_trial(number, point, (-1.0) ** number * 1e300 * by_digest(point))


def extremes_of_doubles(number: int, point: Point) -> list[Observation]:
    return a_trial(number, point, (-1.0) ** number * 1.7e308)


def tiny(number: int, point: Point) -> list[Observation]:
    return a_trial(number, point, 5e-324 * (number % 3))


def mixed_outcomes(number: int, point: Point) -> list[Observation]:
    rung = RungReached(run_number=number, iteration=1, value=by_digest(point))
    ends = [
        [finished(number, by_digest(point))],
        [failed(number)],
        [Ended(run_number=number, outcome=Outcome.STOPPED, value=1.0, best=1.0, worst=2.0, last=2.0)],
        [Ended(run_number=number, outcome=Outcome.NOTHING)],
        [finished(number, None)],
        [],
    ]
    return [*nothing(number, point), rung, *ends[number % len(ends)]]


HISTORIES: dict[str, Callable[[int, Point], list[Observation]]] = {
    each.__name__: each
    for each in (
        nothing,
        all_failed,
        failed_with_values,
        all_equal,
        nearly_equal,
        huge,
        extremes_of_doubles,
        tiny,
        mixed_outcomes,
    )
}


def checked_proposals(study: Study, count: int) -> tuple[Proposal, ...]:
    """Return proposals as a worker computes them, after checks that hold for all proposals."""
    number = max(study.runs, default=0) + 1
    began = time.process_time()
    found = answer(pickle.loads(pickle.dumps(question(study, number, count))))
    assert time.process_time() - began < DEADLINE
    assert len(found) == count or study.spec.search_space.support.size is not None
    for proposal in found:
        assert study.spec.search_space.violations(proposal.point) == ()
        json.dumps(proposal.point, allow_nan=False)
    if study.spec.search_space.support.size is not None:
        digests = {point_digest(proposal.point) for proposal in found}
        assert len(digests) == len(found)
        assert not digests & study.seen
    return found


def history(study: Study, runs: int, happens: Callable[[int, Point], list[Observation]]) -> None:
    """Add runs at suggested points, and a second run at every third of them, as if enqueued."""
    for _ in range(runs):
        number = max(study.runs, default=0) + 1
        found = checked_proposals(study, 1) if number < 4 else ()
        with suppress(InfeasibleError):  # then the last point comes again
            point = found[0].point if found else study.spec.search_space.random_point(3, number)
        study.observe(study.known + 1, happens(number, point))
        if number % 3 == 0:
            study.observe(study.known + 1, happens(number + 1, point))


@pytest.mark.parametrize("name", SPACES)
def test_an_odd_space_is_searched(name: str) -> None:
    study = Study(SPACES[name].spec())
    assert list(objections(study.spec)) == []
    checked_proposals(study, 3)  # no observation at all
    history(study, 24, lambda number, point: a_trial(number, point, by_digest(point)))
    checked_proposals(study, 4)


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("space", ["mixed", "a parameter that is never there"])
def test_an_odd_history_still_gives_points(space: str, name: str) -> None:
    study = Study(SPACES[space].spec())
    history(study, 24, HISTORIES[name])
    checked_proposals(study, 4)


def test_a_space_of_one_point_is_exhausted_after_one_run() -> None:
    study = Study(a_spec({"a": {"values": ["x"]}, "b": {"value": 1}}))
    (proposal,) = checked_proposals(study, 3)
    assert proposal.point == {"a": "x", "b": 1}
    study.observe(1, a_trial(1, proposal.point, 1.0))
    assert study.exhausted
    assert checked_proposals(study, 1) == ()


def test_points_outside_the_space_do_not_mislead_the_search() -> None:
    study = Study(a_spec({"x": UNIT, "c": {"values": ["a", "b"]}}))
    strays: list[Point] = [
        {},
        {"x": 2.0, "c": "a"},
        {"x": "0.5", "c": "a"},
        {"x": 0.5, "c": "z"},
        {"x": 0.5, "c": "a", "extra": {"deep": [1]}},
        {"x": True, "c": None},
    ]
    for number, point in enumerate(strays, start=1):
        study.observe(study.known + 1, a_trial(number, point, -1e6))
    assert study.outside == len(strays)
    history(study, 20, lambda number, point: a_trial(number, point, by_digest(point)))
    (proposal,) = checked_proposals(study, 1)
    assert proposal.prediction is not None
    assert proposal.prediction.value > -1e3


def test_a_long_value_is_stored_and_sent_once_for_all_runs() -> None:
    study = Study(SPACES["values of 500 KiB"].spec())
    for number in range(1, 41):
        point: Point = {"text": "a" * 500_000, "x": number / 100, "n": 1}
        study.observe(study.known + 1, a_trial(number, point, 1.0 / number))
    assert len(encoded(question(study, 41, 1))) < 6_000_000  # the space itself holds 2 MB, and their JSON
