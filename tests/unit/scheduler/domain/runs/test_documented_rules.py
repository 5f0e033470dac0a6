"""The figures of docs/sweep-file.md for early termination agree with the implementation."""

import re
from typing import TypeVar

import pytest

from sweepd.spec.parse import parse_text
from sweepd.spec.stop_rules import Asha, Hyperband, Median, Patience, StopRule
from sweepd.spec.sweep_spec import Goal
from sweepd_scheduler.domain.runs.early_termination import (
    Contender,
    PatienceState,
    Rung,
    judge_asha,
    judge_hyperband,
    judge_median,
    judge_patience,
    latest_rung,
    patience_after,
)
from unit.spec.sweep_file_document import TEXT, code, table, tables

Rule = TypeVar("Rule", bound=StopRule)
FAR = 100


def rule(cell: str, kind: type[Rule]) -> Rule:
    (text,) = code(cell)
    head = "program: t\nmethod: random\nmetric: {name: m}\nparameters: {a: {value: 1}}\n"
    spec = parse_text(f"{head}early_terminate: {text}\n".encode(), file="s").spec
    assert spec is not None, text
    (read,) = spec.early_terminate
    assert isinstance(read, kind)
    return read


def numbers(cell: str) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+", cell)]


def rows(heading: str, *columns: str) -> list[tuple[str, ...]]:
    (found,) = [each for each in tables() if each.heading == heading and each.header == columns]
    assert found.rows
    return list(found.rows)


def curves() -> dict[str, tuple[str, list[float]]]:
    """Return state and values of each run of the worked example."""
    match = re.search(r"^```text curves\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert match is not None
    lines = [line.split() for line in match[1].splitlines()]
    return {name: (state, [float(value) for value in values]) for name, state, *values in lines}


@pytest.mark.parametrize("row", rows("`hyperband`", "rule", "brackets"))
def test_hyperband_brackets_are_those_documented(row: tuple[str, str]) -> None:
    found = rule(row[0], Hyperband).brackets(10_000)
    documented = [int(number) for number in re.findall(r"\d+", row[1])]
    assert list(found[: len(documented)]) == documented
    assert row[1].endswith("…") is (len(found) > len(documented))


@pytest.mark.parametrize("row", rows("`hyperband`", "rule", "thresholds", "stopped"))
def test_hyperband_has_the_documented_thresholds_and_stops_the_documented_runs(
    row: tuple[str, str, str],
) -> None:
    hyperband = rule(row[0], Hyperband)
    runs = list(curves().items())
    thresholds: dict[int, float] = {}
    stopped: set[str] = set()
    for bracket in hyperband.brackets(FAR):
        rung = Rung()
        for number, (_, (_, values)) in enumerate(runs):
            rung.put(number, values[bracket - 1] if len(values) >= bracket else None)
        if not rung.costs:
            continue
        contenders = [
            Contender(number=number, best=min(values))
            for number, (_, (state, values)) in enumerate(runs)
            if state == "running" and latest_rung(hyperband, len(values)) == bracket
        ]
        against = judge_hyperband(hyperband, Goal.MINIMIZE, bracket, rung, contenders, now=0)
        stopped |= {runs[number][0] for number in against}
        # The verdict on a run worse than all others always names the threshold.
        worse = [Contender(number=-1, best=float("inf"))]
        rung.by_run[-1] = float("inf")
        (verdict,) = judge_hyperband(hyperband, Goal.MINIMIZE, bracket, rung, worse, now=0).values()
        thresholds[bracket] = verdict.threshold
    documented = {int(at): float(value) for value, at in re.findall(r"([\d.]+) at (\d+)", row[1])}
    assert thresholds == documented
    assert stopped == set(row[2].split(", "))


@pytest.mark.parametrize("row", rows("`asha`", "rule", "values", "stopped"))
def test_asha_stops_the_documented_runs(row: tuple[str, str, str]) -> None:
    asha = rule(row[0], Asha)
    rung = Rung()
    stopped = []
    for number, value in enumerate(numbers(row[1])):
        rung.put(number, value)
        if judge_asha(asha, Goal.MINIMIZE, asha.min_iter, rung, number, now=0):
            stopped.append(value)
    assert stopped == numbers(row[2])


@pytest.mark.parametrize("row", rows("`median`", "rule", "others", "arrives", "stopped"))
def test_median_stops_the_documented_runs(row: tuple[str, str, str, str]) -> None:
    median = rule(row[0], Median)
    rung = Rung()
    for number, value in enumerate([float(row[2]), *numbers(row[1])]):
        rung.put(number, value)
    verdict = judge_median(median, Goal.MINIMIZE, median.min_iter, rung, 0, now=0)
    assert ("yes" if verdict else "no") == row[3]


@pytest.mark.parametrize("row", rows("`patience`", "rule", "values of one run", "stopped at iteration"))
def test_patience_stops_at_the_documented_iteration(row: tuple[str, str, str]) -> None:
    fresh_wait = rule(row[0], Patience)
    state: PatienceState | None = None
    best = float("inf")
    stopped = "never"
    for iteration, value in enumerate(numbers(row[1]), start=1):
        best = min(best, value)
        state = patience_after(fresh_wait, Goal.MINIMIZE, state, iteration, value)
        if judge_patience(fresh_wait, Goal.MINIMIZE, state, iteration, best, now=0):
            stopped = str(iteration)
            break
    assert stopped == row[2]


def test_every_rule_has_a_table_of_its_keys() -> None:
    for kind in ("hyperband", "asha", "median", "patience", "threshold"):
        assert table(f"`{kind}`", "key").rows
