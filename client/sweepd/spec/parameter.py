"""Parameters of a sweep: leaves with a distribution, and groups, optionally with a condition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Agents need only the names of parameters: without the distributions they save 2 MiB.
    from sweepd.spec.distributions.distribution import Distribution

Path = tuple[str, ...]
"""Names of the enclosing groups of a parameter, then its own name."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One entry of the space that is not a group; with `when`, it is active only if that expression holds."""

    distribution: "Distribution"
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters passed to the run as one dictionary; with `when`, active only if that expression holds."""

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
    """Yield each parameter with its path, going into groups, in the order of the mappings."""
    for name, node in parameters.items():
        if isinstance(node, Group):
            yield from leaves(node.parameters, (*outer, name))
        else:
            yield (*outer, name), node


def dotted(path: Path) -> str:
    """Return the dotted name of a parameter, as in files and messages."""
    return ".".join(path)


def has_parameter(parameters: Mapping[str, object], name: str) -> bool:
    """Return True if a name, dotted within groups, may name a value.

    Args:
        parameters: parameters of a space, or values of a point, within which any name is possible.
        name: the dotted name.
    """
    if name in parameters:
        return True
    for key, node in parameters.items():
        if name.startswith(f"{key}."):
            inner = name.removeprefix(f"{key}.")
            if not isinstance(node, Group) or has_parameter(node.parameters, inner):
                return True
    return False
