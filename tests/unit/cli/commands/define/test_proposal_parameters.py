"""Script-only parameters: configuration of standalone runs that a proposal leaves out."""

from __future__ import annotations

from sweepd.cli.commands.define.proposal import without_script_parameters
from sweepd.spec.point import Point

SWEPT: list[Point] = [{"opt": {"lr": 0.1}, "depth": 2}, {"opt": {"lr": 0.2}, "depth": {"a": 1}}]


def test_a_constant_value_that_no_sweep_has_is_a_script_only_parameter() -> None:
    standalone: list[Point] = [
        {"opt": {"lr": 0.3, "momentum": 0.9}, "seed": 3, "data": {"name": "toy"}, "width": 1},
        {"opt": {"lr": 0.3, "momentum": 0.9}, "seed": 3, "width": 2},
    ]
    points, own = without_script_parameters(standalone, SWEPT)
    assert own == ["data.name", "opt.momentum", "seed"]
    assert points == [{"opt": {"lr": 0.3}, "width": 1}, {"opt": {"lr": 0.3}, "width": 2}]


def test_a_parameter_of_a_sweep_keeps_all_members_of_its_value() -> None:
    standalone: list[Point] = [{"depth": {"b": 1}, "opt": {}}]
    points, own = without_script_parameters(standalone, SWEPT)
    assert (points, own) == ([{"depth": {"b": 1}}], ["opt"])


def test_without_sweeps_the_whole_configuration_is_the_point() -> None:
    standalone: list[Point] = [{"lr": 0.1, "seed": 3}]
    assert without_script_parameters(standalone, []) == (standalone, [])
    assert without_script_parameters([], SWEPT) == ([], [])
