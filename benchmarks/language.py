"""Cost of the sweep language: reading a file, points by index, points under constraints, previews."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import yaml
from scipy.stats import qmc

from sweepd.spec.methods.proposed import Cursor
from sweepd.spec.methods.sequence import next_point
from sweepd.spec.parse import parse_mapping, parse_text
from sweepd.spec.point import Point
from sweepd.spec.preview import preview
from sweepd.spec.sweep_spec import SweepSpec

PARAMETERS = 300
POINTS = 10_000
REPEATS = 5
FOUR = {name: {"min": 0.0, "max": 1.0} for name in ("a", "b", "c", "d")}
TRILLION = {name: {"min": 1, "max": 1_000} for name in ("a", "b", "c", "d")}


def _seconds(work: Callable[[], object]) -> float:
    """Return the shortest of several times: other load on the machine can only add to a time."""

    def once() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return min(once() for _ in range(REPEATS))


def _spec(**document: object) -> SweepSpec:
    parsed = parse_mapping({"program": "train.py", "seed": 7, **document})
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec


def _many_parameters() -> bytes:
    lines = ["program: train.py", "method: random", "metric: {name: loss}", "parameters:"]
    for number in range(PARAMETERS // 3):
        lines += [
            f"  rate{number}: {{distribution: log_uniform_values, min: 1.0e-5, max: 0.1}}",
            f"  kind{number}: {{values: [adam, sgd, lamb, lion]}}",
            f"  size{number}: {{min: {number}, max: {number + 500}, when: kind{number} != 'sgd'}}",
        ]
    return "\n".join(lines).encode()


def _measure_reading() -> None:
    text = _many_parameters()
    assert parse_text(text, file="sweep.yaml").spec is not None
    ours = _seconds(lambda: parse_text(text, file="sweep.yaml"))
    plain = _seconds(lambda: yaml.safe_load(text))
    print(
        f"reading and checking a file of {PARAMETERS} parameters, a third of them under a condition: "
        f"{1000 * ours:.0f} ms, {ours / plain:.2f} times yaml.safe_load of it ({1000 * plain:.0f} ms)"
    )


def _plain_points(count: int) -> list[Point]:
    draws = random.Random(7)
    return [{name: draws.random() for name in FOUR} for _ in range(count)]


def _sobol_points(count: int) -> list[Point]:
    engine = qmc.Sobol(len(FOUR), seed=7)
    # scipy warns unless the count is a power of two, so draw the next power of two and cut.
    vectors = engine.random(1 << (count - 1).bit_length())[:count]
    return [dict(zip(FOUR, map(float, vector), strict=True)) for vector in vectors]


def _measure_previews() -> None:
    print(f"previews of {POINTS:,} runs, with their arguments, in microseconds a run:")
    for method, peer, reference in (
        ("random", "points of random.random() alone", _plain_points),
        ("sobol", "points of scipy's qmc.Sobol alone", _sobol_points),
    ):
        spec = _spec(method=method, parameters=FOUR)
        assert len(preview(spec, POINTS).runs) == POINTS
        ours = _seconds(lambda spec=spec: preview(spec, POINTS)) / POINTS  # type: ignore[misc]
        theirs = _seconds(lambda reference=reference: reference(POINTS)) / POINTS  # type: ignore[misc]
        print(f"  {method}: {1e6 * ours:.0f}, {ours / theirs:.0f} times {peer} ({1e6 * theirs:.1f})")


def _measure_grid() -> None:
    small = _spec(method="grid", parameters={name: {"min": 1, "max": 10} for name in FOUR})
    huge = _spec(method="grid", parameters=TRILLION)
    mixed = _spec(method="grid", shuffle=True, parameters=TRILLION)

    def thousand_points(spec: SweepSpec, start: int) -> Callable[[], object]:
        return lambda: [next_point(spec, Cursor(index=start + n), {}, None) for n in range(1_000)]

    near, far, shuffled = (
        _seconds(thousand_points(spec, start)) / 1_000
        for spec, start in ((small, 0), (huge, 5 * 10**11), (mixed, 5 * 10**11))
    )
    print(
        f"a point in the middle of a grid of 10^12: {1e6 * far:.0f} us, {far / near:.2f} times one at the "
        f"beginning of a grid of 10^4 ({1e6 * near:.0f} us); shuffled {shuffled / near:.2f} times"
    )


def _measure_constraints() -> None:
    free = _spec(method="random", parameters=FOUR)
    separate = _spec(method="random", parameters=FOUR, constraints=["a < 0.1 and b < 0.1"])
    joint = _spec(method="random", parameters=FOUR, constraints=["a + b < 0.1414"])

    def points(spec: SweepSpec) -> Callable[[], object]:
        return lambda: [spec.search_space.random_point(7, index) for index in range(500)]

    unconstrained, ours, theirs = (_seconds(points(spec)) / 500 for spec in (free, separate, joint))
    print(
        f"a random point where 1 % of the volume is feasible, of {1e6 * unconstrained:.0f} us without "
        f"constraints: {1e6 * ours:.0f} us, {ours / unconstrained:.0f} times as long, under two limits; "
        f"{1e6 * theirs:.0f} us, {theirs / unconstrained:.0f} times, under one of a sum; "
        "drawing whole points until one fits takes 100 times"
    )


def main() -> None:
    """Print one line per measurement."""
    _measure_reading()
    _measure_previews()
    _measure_grid()
    _measure_constraints()
