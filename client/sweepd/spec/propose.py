"""Derivation of a sweep file from tried points: ranges, values and conditions that cover them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Final

from sweepd.spec.expressions.parser import written_name
from sweepd.spec.limits import MAX_EXPRESSION_LENGTH
from sweepd.spec.loading.scalars import resolve
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json, Number, Parameter, Point, canonical_json, is_number

_MAX_CHOICES: Final = 8
"""Maximum number of distinct numbers that become a choice, if they were tried at least twice on average."""

_MIN_LOG_RATIO: Final = 100.0
"""Minimum ratio of the greatest to the smallest value for a logarithmic range."""

_MAX_NESTING: Final = 12
"""Maximum nesting of groups in a file; a deeper group becomes a single value."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedParameter:
    """Parameter as a document, and a comment about its tried values."""

    document: Mapping[str, Json]
    comment: str
    when: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedGroup:
    """Group of parameters."""

    members: Mapping[str, "ProposedNode"]
    when: str | None = None


ProposedNode = ProposedParameter | ProposedGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Proposed parameters; `unexplained` names those that some points lack for no known reason."""

    parameters: Mapping[str, ProposedNode]
    unexplained: tuple[str, ...] = ()

    @property
    def searches(self) -> bool:
        """True if any parameter is not constant."""
        return any(_is_free(node) for node in self.parameters.values())


@dataclass(frozen=True, slots=True)
class _Row:
    """Point or group of one run; `facts` maps dotted names to values that conditions can test."""

    mapping: Mapping[str, Json]
    facts: Mapping[str, str | bool]
    is_best: bool = False


def propose(points: Sequence[Point], *, best: Point | None = None, listed: bool = False) -> Proposal:
    """Return parameters whose space contains every point, except points that lack an `unexplained` parameter.

    Args:
        points: one or more tried points.
        best: point with the best value, for comments.
        listed: whether to list all tried numbers instead of a range, so that a grid can enumerate them.
    """
    nested = not any(
        "." in name for point in points for name in point
    )  # otherwise dotted names are ambiguous
    proposer = _Proposer(listed, nested)
    rows = [_Row(point, {}, is_best=point is best) for point in points]
    parameters, unexplained = proposer.level(rows, "")
    return Proposal(parameters=parameters, unexplained=tuple(unexplained))


@dataclass(frozen=True, slots=True)
class _Proposer:
    listed: bool
    tests_groups: bool

    def level(self, rows: Sequence[_Row], outer: str) -> tuple[dict[str, ProposedNode], list[str]]:
        """Return the nodes of one level, and the names that some rows lack for no known reason."""
        names = sorted({name for row in rows for name in row.mapping})
        rows = self._with_facts(rows, outer)
        nodes: dict[str, ProposedNode] = {}
        unexplained: list[str] = []
        for name in names:
            having = [row for row in rows if name in row.mapping]
            when = None
            if len(having) < len(rows):
                when = _condition(rows, name)
                if when is None:
                    unexplained.append(f"{outer}{name}")
            nodes[name] = self._node(having, name, f"{outer}{name}.", when)
        return nodes, unexplained

    def _node(self, rows: Sequence[_Row], name: str, outer: str, when: str | None) -> ProposedNode:
        inner = [_Row(group, row.facts, row.is_best) for row in rows if (group := _group(row.mapping[name]))]
        if len(inner) == len(rows) and outer.count(".") <= _MAX_NESTING:
            members, unexplained = self.level(inner, outer)
            if not unexplained:
                return ProposedGroup(members=members, when=when)
        document, comment = self._leaf([row.mapping[name] for row in rows])
        if "value" not in document:
            comment += "".join(
                f"; the best run had {_short(row.mapping[name])}" for row in rows if row.is_best
            )
        return ProposedParameter(document=document, comment=comment, when=when)

    def _leaf(self, values: Sequence[Json]) -> tuple[dict[str, Json], str]:
        distinct = {canonical_json(value): value for value in reversed(values)}
        runs = f"{len(values)} run" + ("" if len(values) == 1 else "s")
        if len(distinct) == 1:
            return {"value": values[0]}, f"the only value in {runs}"
        numbers = [value for value in distinct.values() if is_number(value)]
        choice = _choice(distinct)
        if len(numbers) < len(distinct):
            return choice, f"{len(distinct)} values in {runs}"
        if self.listed or (len(distinct) <= _MAX_CHOICES and 2 * len(distinct) <= len(values)):
            return choice, f"{len(distinct)} numbers in {runs}"
        ranged, comment = _range(numbers)
        if _covers(ranged, numbers):
            return ranged, f"{comment} in {runs}"
        return choice, f"{len(distinct)} numbers in {runs}, which no range can hold exactly"

    def _with_facts(self, rows: Sequence[_Row], outer: str) -> list[_Row]:
        """Return the rows; their `facts` also contain the texts and booleans that all have at this level."""
        if outer and not self.tests_groups:
            return list(rows)
        own = [
            {f"{outer}{name}": value for name, value in row.mapping.items() if isinstance(value, str | bool)}
            for row in rows
        ]
        common = set.intersection(*map(set, own))
        return [
            _Row(row.mapping, {**row.facts, **{name: facts[name] for name in common}}, row.is_best)
            for row, facts in zip(rows, own, strict=True)
        ]


def _condition(rows: Sequence[_Row], name: str) -> str | None:
    """Return the condition under which a name is present, if one other parameter determines it."""
    for fact in sorted(rows[0].facts):
        there = {row.facts[fact] for row in rows if name in row.mapping}
        if there.isdisjoint(row.facts[fact] for row in rows if name not in row.mapping):
            text = _expression(fact, sorted(there, key=str))
            if text is not None and len(text) <= MAX_EXPRESSION_LENGTH:
                return text
    return None


def _expression(fact: str, values: Sequence[str | bool]) -> str | None:
    if any(isinstance(value, str) and not value.isprintable() for value in values):
        return None
    literals = [_literal(value) for value in values]
    name = written_name(fact)
    return f"{name} == {literals[0]}" if len(literals) == 1 else f"{name} in [{', '.join(literals)}]"


def _literal(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _choice(distinct: Mapping[str, Json]) -> dict[str, Json]:
    """Return the document of a choice among sorted values; values of mixed types are sorted by their JSON."""
    try:
        values = sorted(distinct.values())  # type: ignore[type-var]  # values without an order raise
    except TypeError:
        values = [distinct[key] for key in sorted(distinct)]
    return {"values": values}


def _range(numbers: Sequence[Number]) -> tuple[dict[str, Json], str]:
    low, high = min(numbers), max(numbers)
    covers = f"{low:.6g} to {high:.6g}"
    if all(isinstance(number, int) for number in numbers):
        return {"distribution": "int_uniform", "min": low, "max": high}, covers
    if low > 0 and high / low >= _MIN_LOG_RATIO:
        orders = f"{covers}, over {log10(high) - log10(low):.2g} orders of magnitude,"
        return {"distribution": "log_uniform_values", "min": low, "max": high}, orders
    return {"distribution": "uniform", "min": low, "max": high}, covers


def _covers(document: Mapping[str, Json], numbers: Sequence[Number]) -> bool:
    """Return True if a document is a valid parameter and its distribution contains every number."""
    parsed = parse_mapping({"method": "random", "parameters": {"x": document}})
    node = None if parsed.spec is None else parsed.spec.parameters["x"]
    return isinstance(node, Parameter) and all(map(node.distribution.contains, numbers))


def _group(value: Json) -> Mapping[str, Json] | None:
    """Return the members of a value if it may be a group of parameters, else None."""
    return value if isinstance(value, dict) and value and all(map(_NAME.fullmatch, value)) else None


def _is_free(node: ProposedNode) -> bool:
    if isinstance(node, ProposedGroup):
        return any(map(_is_free, node.members.values()))
    return "value" not in node.document


def _short(value: Json) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_YAML_BOOLEANS: Final = frozenset({"y", "Y", "n", "N"})


def proposal_text(head: Mapping[str, Json], proposal: Proposal, *, comments: Sequence[str] = ()) -> str:
    """Return the text of the sweep file.

    Args:
        head: the keys other than `parameters`.
        proposal: the parameters.
        comments: comment lines at the top of the file.
    """
    lines = [f"# {_on_one_line(comment)}" for comment in comments]
    lines += [f"{key}: {_flow(value)}" for key, value in head.items()]
    if proposal.parameters:
        lines += ["parameters:", *_nodes(proposal.parameters, "  ")]
    return "".join(f"{line}\n" for line in lines)


def _nodes(nodes: Mapping[str, ProposedNode], indent: str) -> Iterator[str]:
    for name, node in nodes.items():
        inner = f"{indent}  "
        when = [] if node.when is None else [f"{inner}when: {_text(node.when)}"]
        if isinstance(node, ProposedGroup):
            yield f"{indent}{_text(name)}:"
            yield from when
            yield f"{inner}parameters:"
            yield from _nodes(node.members, f"{inner}  ")
        else:
            yield f"{indent}{_text(name)}:  # {_on_one_line(node.comment)}"
            yield from (f"{inner}{key}: {_flow(value)}" for key, value in node.document.items())
            yield from when


def _flow(value: Json) -> str:
    """Format a value on one line, so that every YAML 1.1 reader parses it to the same value."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case int():
            return str(value)
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case dict():
            return f"{{{', '.join(f'{_text(key)}: {_flow(item)}' for key, item in value.items())}}}"


def _text(text: str) -> str:
    """Return a text unquoted if unambiguous, else in double quotes."""
    if _NAME.fullmatch(text) and resolve(text) == text and text not in _YAML_BOOLEANS:
        return text
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escape(ord(sign)) for sign in escaped)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _float(number: float) -> str:
    """Format a float with a dot, since some YAML readers parse `1e-05` as text."""
    text = repr(number)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _on_one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
