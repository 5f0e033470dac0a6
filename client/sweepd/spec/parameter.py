"""Parameters of a sweep: leaves with a distribution, and groups, some under a condition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Agents know parameters by their names alone: what values they may have is 2 MiB that they spare.
    from sweepd.spec.distributions.distribution import Distribution

Path = tuple[str, ...]
"""The names of the groups around a parameter, and its own."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One entry of the space that is no group; with `when` it exists only where that expression holds."""

    distribution: "Distribution"
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that reach the run as one dictionary; with `when` they exist only where that holds."""

    parameters: Mapping[str, "ParameterNode"]
    when: str | None = None


ParameterNode = Parameter | Group


def in_order(parameters: Mapping[str, ParameterNode]) -> dict[str, ParameterNode]:
    """Return the parameters sorted by name, at each level."""
    return {
        name: Group(in_order(node.parameters), node.when) if isinstance(node, Group) else node
        for name, node in sorted(parameters.items())
    }


def leaves(parameters: Mapping[str, ParameterNode], outer: Path = ()) -> Iterator[tuple[Path, Parameter]]:
    """Yield each parameter that is no group, with its path, in the order of the mappings."""
    for name, node in parameters.items():
        if isinstance(node, Group):
            yield from leaves(node.parameters, (*outer, name))
        else:
            yield (*outer, name), node


def dotted(path: Path) -> str:
    """Return the name of a parameter as files and messages write it."""
    return ".".join(path)


def has_parameter(parameters: Mapping[str, object], name: str) -> bool:
    """Return whether a name, dotted within groups, may be that of a value.

    Args:
        parameters: those of a space, or the values of a point: within these any name is possible.
        name: the name.
    """
    if name in parameters:
        return True
    for key, node in parameters.items():
        if name.startswith(f"{key}."):
            inner = name.removeprefix(f"{key}.")
            if not isinstance(node, Group) or has_parameter(node.parameters, inner):
                return True
    return False
