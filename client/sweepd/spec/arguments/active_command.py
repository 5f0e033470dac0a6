"""The items of a command that a point has values for: parameters that are not active are not passed."""

from collections.abc import Collection

from sweepd.spec.arguments.command import embedded_names
from sweepd.spec.arguments.macros import flattened, is_run_macro
from sweepd.spec.parameter import has_parameter
from sweepd.spec.point import Point
from sweepd.spec.sweep_spec import SweepSpec


def active_command(spec: SweepSpec, point: Point) -> tuple[str, ...]:
    """Return the command of a sweep less each item that embeds a parameter which the point lacks.

    As `--dropout=${dropout}` where `when` keeps `dropout` out. What is no parameter of the sweep stays as it
    is; an item that is `${dropout}` and nothing else stands for nothing by itself.
    """
    embedding = {item: names for item in spec.command if (names := embedded_names(item))}
    if not embedding:
        return spec.command
    there = {*point, *(name for key, value in point.items() for name, _ in flattened(key, value))}
    absent = {item for item, names in embedding.items() if _any_absent(spec, names, there)}
    # Never empty: that would be the default command.
    return tuple(item for item in spec.command if item not in absent) or spec.command


def _any_absent(spec: SweepSpec, names: Collection[str], there: Collection[str]) -> bool:
    return any(name not in there and _is_parameter(spec, name) and not is_run_macro(name) for name in names)


def _is_parameter(spec: SweepSpec, name: str) -> bool:
    if spec.parameters:
        return has_parameter(spec.parameters, name)
    return any(has_parameter(run, name) for run in spec.runs)
