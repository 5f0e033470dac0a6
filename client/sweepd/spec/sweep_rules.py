"""The rules that concern a sweep as a whole: which keys need which, and what each method can search."""

from collections.abc import Iterator, Mapping

from sweepd.spec.diagnostic import Place
from sweepd.spec.discrete import Categorical, Constant, WeightedCategorical
from sweepd.spec.fields import Fields
from sweepd.spec.limits import MAX_POINT_BYTES
from sweepd.spec.nodes import Entry, MappingNode, ScalarNode
from sweepd.spec.point import canonical_json
from sweepd.spec.search_space import Group, Parameter, ParameterNode
from sweepd.spec.sweep_spec import Method

_NUMBER_BYTES = 24  # the longest number in JSON


def check_sweep(fields: Fields, method: Method | None, parameters: Mapping[str, ParameterNode]) -> None:
    """Record what could not run although each part is well formed."""
    _check_metric(fields, method)
    leaves = list(_leaves(parameters, fields.node.entries.get("parameters"), "parameters"))
    if method is Method.GRID:
        for path, place, leaf in leaves:
            if leaf.distribution.grid_values is None:
                message = (
                    f"a grid cannot go through {leaf.distribution.name}; list its `values`, or use q_uniform"
                )
                fields.findings.error(place, path, "not-a-grid", message)
    every_constant = all(isinstance(leaf.distribution, Constant) for _, _, leaf in leaves)
    if method is Method.BAYES and leaves and every_constant:
        fields.error("nothing-to-search", "bayes needs a parameter that is not constant", key="method")
    size = _largest_point(parameters)
    if size > MAX_POINT_BYTES:
        reach = f"the parameters of one run can reach {size:,} bytes of JSON"
        message = f"{reach}; at most {MAX_POINT_BYTES:,} are passed on"
        fields.error("point-too-large", message, key="parameters")
    _check_ambiguous(fields, leaves)


def _check_metric(fields: Fields, method: Method | None) -> None:
    if "metric" in fields:
        return
    if method is Method.BAYES:
        fields.error("missing-key", "bayes needs a `metric` to optimise", key="method")
    rule = fields.node_at("early_terminate")
    if rule is not None and not (isinstance(rule, ScalarNode) and rule.value is None):
        fields.error("missing-key", "early termination needs a `metric` to judge by", key="early_terminate")


def _check_ambiguous(fields: Fields, leaves: list[tuple[str, Place | None, Parameter]]) -> None:
    """Warn where a dotted name and a group make two parameters look like one."""
    seen: set[str] = set()
    for path, place, _ in leaves:
        if path in seen:
            message = "another parameter has the same dotted name: columns and flat arguments mix them up"
            fields.findings.warning(place, path, "ambiguous-name", message)
        seen.add(path)


def _leaves(
    parameters: Mapping[str, ParameterNode], entry: Entry | None, path: str
) -> Iterator[tuple[str, Place | None, Parameter]]:
    places = entry.node.entries if entry is not None and isinstance(entry.node, MappingNode) else {}
    for name, node in parameters.items():
        inner = places.get(name)
        if isinstance(node, Parameter):
            yield f"{path}.{name}", inner.place if inner else None, node
        elif inner is not None and isinstance(inner.node, MappingNode):
            yield from _leaves(node.parameters, inner.node.entries.get("parameters"), f"{path}.{name}")


def _largest_point(parameters: Mapping[str, ParameterNode]) -> int:
    """Return the bytes of canonical JSON of the largest point."""
    total = 2
    for name, node in parameters.items():
        total += len(canonical_json(name)) + 2
        total += _largest_point(node.parameters) if isinstance(node, Group) else _largest_value(node)
    return total


def _largest_value(parameter: Parameter) -> int:
    match parameter.distribution:
        case Constant(value=value):
            return len(canonical_json(value))
        case Categorical(values=values) | WeightedCategorical(values=values):
            return max(len(canonical_json(value)) for value in values)
        case _:
            return _NUMBER_BYTES
