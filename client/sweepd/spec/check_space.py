"""Checks of the whole search space: conditions, constraints, zips, shuffle, and listed points."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sweepd.spec.distributions.distribution import refusal
from sweepd.spec.distributions.quantised import Quantised, is_in_steps
from sweepd.spec.expressions.expression import Expression
from sweepd.spec.finding import Code, Finding, Findings, Place
from sweepd.spec.keys.parameters import check_name, parameter_entries
from sweepd.spec.limits import MAX_CONDITIONS
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.tree import MappingNode, Node, ScalarNode, place_of
from sweepd.spec.point import Group, Json, Parameter, ParameterNode, Path, Point, dotted
from sweepd.spec.space.dimension import Radix
from sweepd.spec.space.rules import Compiled, Rules, compile_rules, gate_numbers
from sweepd.spec.space.search_space import SearchSpace
from sweepd.spec.space.walk import Walk
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec
from sweepd.spec.wording import nearest, shown

_MIN_FEASIBLE = 10
"""Minimum number of feasible draws; fewer: a warning; none: an error."""

_GRID_STEPS = 100_000
"""Maximum number of steps to count the points of a grid exactly; beyond it, the number is estimated."""

_MAX_PREFIX = 500
"""Length of the part of a name searched for dots: each dot costs a look-up, and names may be very long."""

_FIRST_TRIES = 5_000
"""Number of candidates tried to find the first point of a grid that is too large to be counted."""


def check_conditions(
    fields: Fields,
    parameters: Mapping[str, ParameterNode],
    constraints: Sequence[str],
    zips: Sequence[Sequence[str]],
) -> None:
    """Record errors and warnings about conditions, constraints and zips."""
    places = {
        f"parameters.{dotted(path)}.when": entry.node.entries["when"].node.place
        for path, entry in parameter_entries(fields.node_at("parameters"))
        if isinstance(entry.node, MappingNode) and "when" in entry.node
    }
    if len(places) > MAX_CONDITIONS:
        message = f"{len(places):,} parameters and groups have a `when`; the maximum is {MAX_CONDITIONS:,}"
        fields.error("out-of-range", message, key="parameters")
        return
    for finding in _check_expressions(parameters, constraints, zips):
        place, path = _located(fields, finding, places)
        record = fields.findings.error if finding.severity == "error" else fields.findings.warning
        record(place, path, finding.code, finding.message, finding.suggestion)


def check_points(
    fields: Fields, method: SearchMethod | None, space: SearchSpace, listed: Mapping[str, Sequence[Point]]
) -> None:
    """Record an error for each point of `initial` and `runs` that is not in the space."""
    for key, points in listed.items():
        for index, point in enumerate(points):
            path, node = f"{key}[{index}]", _item(fields.node_at(key), index)
            if not space.parameters:
                _check_names(fields.findings, node, path)
                continue
            problems = list(_invalid(space.parameters, point, node, (), method if key == "initial" else None))
            for place, inner, message, near in problems:
                fields.findings.error(place, f"{path}{inner}", "not-in-space", message, near)
            if not problems:
                words = space.violations(point) if key == "runs" else space.partial_violations(point)
                for message in words:
                    fields.findings.error(node.place, path, "not-in-space", message)


def check_feasible(
    fields: Fields, space: SearchSpace, method: SearchMethod, *, shuffle: bool = False
) -> None:
    """Record an error if no point seems to satisfy the constraints, or a warning if few draws do."""
    place, key = place_of(fields.node, ("constraints",)), "constraints"
    count = space.grid.count(_GRID_STEPS) if method.on_grid else None
    if count is not None and count.value == 0 and not count.is_estimate:
        fields.findings.error(place, key, "infeasible", "no point of the grid satisfies them; loosen them")
    if count is not None:
        # A grid is enumerated, not drawn, so the share of feasible points does not matter.
        if count.is_estimate and not shuffle and space.grid.next(0, _FIRST_TRIES)[1] is None:
            message = (
                f"the grid has too many combinations, and none of the first {_FIRST_TRIES:,} in its "
                "order satisfies them: finding a point may take very long; use `shuffle: true` or "
                "`method: random`, which sample points"
            )
            fields.findings.warning(place, key, "hardly-feasible", message)
        return
    found = space.feasibility(whole=method.whole)  # a Sobol sequence draws all components together
    if found.hits == 0:
        message = f"none of {found.draws:,} random points satisfies them; loosen them or narrow the bounds"
        fields.findings.error(place, key, "infeasible", message)
    elif found.hits < _MIN_FEASIBLE:
        message = (
            f"only {found.hits} of {found.draws:,} random points satisfy them: drawing points will be slow"
        )
        fields.findings.warning(place, key, "hardly-feasible", message)


def _item(node: Node | None, index: int) -> MappingNode:
    items = () if node is None or isinstance(node, ScalarNode | MappingNode) else node.items
    item = items[index]
    assert isinstance(item, MappingNode), "points come from mappings"
    return item


def _check_names(findings: Findings, node: MappingNode, path: str) -> None:
    for name, entry in node.entries.items():
        check_name(findings, name, entry.place, f"{path}.{name}")


def _located(
    fields: Fields, finding: Finding, conditions: Mapping[str, Place | None]
) -> tuple[Place | None, str]:
    """Return the place of a finding, and its path in file notation, such as `constraints[0]`."""
    if finding.path in conditions:
        return conditions[finding.path], finding.path
    key, _, index = finding.path.partition(".")
    if key in ("constraints", "zip") and index.isdecimal():
        return place_of(fields.node, (key, int(index))), f"{key}[{index}]"
    return place_of(fields.node, (key,)), finding.path


def _invalid(
    parameters: Mapping[str, ParameterNode],
    point: Mapping[str, Json],
    node: MappingNode,
    outer: tuple[str, ...],
    method: SearchMethod | None,
) -> Iterator[tuple[Place | None, str, str, str | None]]:
    """Yield the place, path, message and nearest name of each unknown parameter or invalid value."""
    for name, value in point.items():
        entry, path = node.entries[name], "".join(f".{part}" for part in (*outer, name))
        parameter = parameters.get(name)
        match parameter, entry.node:
            case None, inner:
                near = _within_groups(parameters, name, inner) or nearest(name, parameters)
                yield entry.place, path, f"{dotted((*outer, name))} is not a parameter", near
            case Parameter(), _:
                message = _refusal(parameter, value, method)
                if message:
                    yield entry.node.place, path, message, None
            case Group(), MappingNode() as inner:
                assert isinstance(value, dict)
                yield from _invalid(parameter.parameters, value, inner, (*outer, name), method)
            case Group(), _:
                yield entry.node.place, path, "must be a mapping: it is a group of parameters", None


def _within_groups(parameters: Mapping[str, ParameterNode], name: str, node: Node) -> str | None:
    """Return the nested form of a dotted name: `g: {c: 1}` for `g.c: 1`, if `c` is in the group `g`."""
    for end, sign in enumerate(name[:_MAX_PREFIX]):
        group = parameters.get(name[:end]) if sign == "." else None
        if isinstance(group, Group):
            rest = name[end + 1 :]
            value = shown(node.value) if isinstance(node, ScalarNode) else "…"
            inner = (
                f"{rest}: {value}"
                if rest in group.parameters
                else _within_groups(group.parameters, rest, node)
            )
            if inner is not None:
                return f"{name[:end]}: {{{inner}}}"
    return None


def _refusal(parameter: Parameter, value: Json, method: SearchMethod | None) -> str | None:
    distribution = parameter.distribution
    if not distribution.contains(value):
        return refusal(distribution, value)
    # The grid of a q_uniform lacks some values that the distribution draws.
    if method is not None and method.on_grid and isinstance(distribution, Quantised):
        on_grid = is_in_steps(distribution.grid_values or (), value)
        return None if on_grid else f"{shown(value)} is not a value of the grid"
    return None


_STEPS = 100_000
_MAX_COMBINATIONS_PER_POINT = 10_000


def check_shuffle(fields: Fields, spec: SweepSpec) -> None:
    """Record an error if `shuffle` is set and too few of the combinations are points."""
    if not spec.shuffle:
        return
    grid = spec.search_space.grid
    found = grid.count(_STEPS)
    count = found.value or 0
    if count == 0 and not found.is_estimate:
        return  # `check_feasible` reports that there are no points
    if (grid.size or 0) > count * _MAX_COMBINATIONS_PER_POINT:
        fields.findings.error(
            place_of(fields.node, ("shuffle",)),
            "shuffle",
            "too-sparse",
            f"fewer than one in {_MAX_COMBINATIONS_PER_POINT:,} combinations is a valid point under the "
            "conditions and constraints, too few to find in shuffled order; omit `shuffle`, or use "
            "`method: random`, which does not repeat points either",
        )


_MAX_COMBINATIONS = 10_000
"""Maximum number of combinations tried for one expression."""

_BUDGET = 50_000
"""Maximum number of combinations tried for all expressions of a sweep, to bound the time."""

_MIN_CHARGE = 10
"""Minimum number of combinations charged to the budget for each expression."""


def _check_expressions(
    parameters: Mapping[str, ParameterNode],
    constraints: Sequence[str] = (),
    zips: Sequence[Sequence[str]] = (),
) -> list[Finding]:
    """Return the findings about the conditions, constraints and zips of a sweep.

    If there are no errors, warn about expressions that never or always hold, provided that all relevant
    combinations can be tried.
    """
    compiled = compile_rules(parameters, constraints, zips)
    return list(compiled.findings) or list(_warnings(compiled))


def _warnings(compiled: Compiled) -> Iterator[Finding]:
    left = _BUDGET
    space_index = _SpaceIndex(compiled)
    for path, expression in compiled.expressions:
        walk = space_index.walk(expression)
        if walk is None or walk.combinations > min(_MAX_COMBINATIONS, left):
            continue
        results, tried = _distinct_results(walk, expression)
        left -= max(tried, _MIN_CHARGE)
        if len(results) == 1:
            always = results.pop()
            word = "always" if always else "never"
            message = f"`{expression.text}` {word} holds, whatever the parameters are"
            code: Code = "always-holds" if always else "never-holds"
            yield Finding(path=path, message=message, code=code, severity="warning")


def _distinct_results(walk: Walk, expression: Expression) -> tuple[set[bool], int]:
    """Return the distinct results of an expression, and the number of combinations tried."""
    results: set[bool] = set()
    start = 0
    while len(results) < 2:
        index, values = walk.next(start, walk.combinations)
        if values is None:
            break
        results.add(expression.holds(values))
        start = index + 1
    return results, start


class _SpaceIndex:
    """Dimensions and gates of a sweep, with the index of each parameter's dimension and of its gate."""

    def __init__(self, compiled: Compiled) -> None:
        self.dimensions, self.gates = compiled.dimensions, compiled.rules.gates
        self.constants = compiled.constants
        self.dimension_of = {
            path: place for place, each in enumerate(compiled.dimensions) for path in each.paths
        }
        self.gate_of = gate_numbers(compiled.rules.gates)

    def walk(self, expression: Expression) -> Walk | None:
        """Return the enumeration of all combinations relevant to an expression, or None if too many."""
        paths = self._relevant_paths(expression)
        if paths is None:
            return None
        radices = []
        for place in sorted({self.dimension_of[path] for path in paths if path in self.dimension_of}):
            dimension = self.dimensions[place]
            support = dimension.distribution.support
            assert support is not None, "`_relevant_paths` returns None for an infinite dimension"
            radices.append(Radix(dimension, support))
        gates = []
        for place in sorted({self.gate_of[path] for path in paths if path in self.gate_of}):
            gate = self.gates[place]
            gates.append(replace(gate, paths=tuple(path for path in gate.paths if path in paths)))
        constants = {path: self.constants[path] for path in paths if path in self.constants}
        return Walk(radices, Rules(gates=tuple(gates)), constants)

    def _relevant_paths(self, expression: Expression) -> set[Path] | None:
        """Return the parameters that affect an expression; None if they have too many combinations."""
        relevant: set[Path] = set()
        combinations = 1
        dimensions: set[int] = set()
        ahead = list(expression.reads)
        while ahead:
            path = ahead.pop()
            if path in relevant:
                continue
            relevant.add(path)
            if path in self.gate_of:
                ahead.extend(self.gates[self.gate_of[path]].reads)
            place = self.dimension_of.get(path)
            if place is not None and place not in dimensions:
                dimensions.add(place)
                ahead.extend(self.dimensions[place].paths)
                size = self.dimensions[place].size
                if size is None or combinations * size > _MAX_COMBINATIONS:
                    return None
                combinations *= size
        return relevant
