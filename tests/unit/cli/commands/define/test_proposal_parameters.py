"""Script-only parameters: configuration of standalone runs that a proposal leaves out."""

from __future__ import annotations

from sweepd.cli.commands.define.proposal import without_script_parameters
from sweepd.spec.point import Point

SWEPT: list[Point] = [{"opt": {"lr": 0.1}, "depth": 2}, {"opt": {"lr": 0.2}, "depth": {"a": 1}}]


def test_what_no_sweep_has_and_none_varies_is_the_script_s_own() -> None:
    by_hand: list[Point] = [
        {"opt": {"lr": 0.3, "momentum": 0.9}, "seed": 3, "data": {"name": "toy"}, "width": 1},
        {"opt": {"lr": 0.3, "momentum": 0.9}, "seed": 3, "width": 2},
    ]
    points, own = without_script_parameters(by_hand, SWEPT)
    assert own == ["data.name", "opt.momentum", "seed"]
    assert points == [{"opt": {"lr": 0.3}, "width": 1}, {"opt": {"lr": 0.3}, "width": 2}]


def test_a_value_that_a_sweep_has_as_a_whole_stays_with_its_members() -> None:
    by_hand: list[Point] = [{"depth": {"b": 1}, "opt": {}}]
    points, own = without_script_parameters(by_hand, SWEPT)
    assert (points, own) == ([{"depth": {"b": 1}}], ["opt"])


def test_without_sweeps_all_of_it_is_the_point() -> None:
    by_hand: list[Point] = [{"lr": 0.1, "seed": 3}]
    assert without_script_parameters(by_hand, []) == (by_hand, [])
    assert without_script_parameters([], SWEPT) == ([], [])
