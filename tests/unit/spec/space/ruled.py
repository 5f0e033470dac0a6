"""Random small spaces with conditions, constraints and zips, and their meaning by brute force.

The meaning of each rule is a Python function independent of the language; the space, built from the text, is
compared with it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from hypothesis import strategies as st

from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json, Point, canonical_json
from sweepd.spec.space.search_space import SearchSpace
from sweepd.spec.sweep_spec import SweepSpec

Values = Mapping[str, Json]
Meaning = Callable[[Values], bool]

ROLES = ("k", "n", "m", "x", "y", "zl", "zr", "c")
"""Kinds of parameters; each may depend on those before. `x` and `y` are in a group, `zl` and `zr` zipped."""

CHOICES: dict[str, list[Json]] = {
    "k": ["u", "v", None],
    "n": [1, 2, 3, 4],
    "m": [1, 2.0, 2, 3],
    "x": [0, 1, 2],
    "y": [True, False],
    "zl": [1, 2, 1, 3],
    "zr": ["i", "ii", "i", "i"],
    "c": [5],
}


def _number(value: Json) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


RULES: list[tuple[str, frozenset[str], Meaning]] = [
    ("{k} == 'u'", frozenset("k"), lambda v: "k" in v and v["k"] == "u"),
    ("{k} != 'u'", frozenset("k"), lambda v: "k" in v and v["k"] != "u"),
    ("not {k} == 'u'", frozenset("k"), lambda v: not ("k" in v and v["k"] == "u")),
    ("{k} == null or {n} > 3", frozenset("kn"), lambda v: ("k" in v and v["k"] is None) or _is(v, 4)),
    ("{n} > 2", frozenset("n"), lambda v: _number(v.get("n")) > 2),
    ("not {n} > 2", frozenset("n"), lambda v: not _number(v.get("n")) > 2),
    ("1 < {n} <= 3", frozenset("n"), lambda v: 1 < _number(v.get("n")) <= 3),
    ("{m} in [1, 3]", frozenset("m"), lambda v: v.get("m") in (1, 3)),
    ("{m} not in [1, 3]", frozenset("m"), lambda v: v.get("m") == 2),
    ("{n} + {m} < 5", frozenset("nm"), lambda v: _number(v.get("n")) + _number(v.get("m")) < 5),
    ("{n} % 2 == {m} % 2", frozenset("nm"), lambda v: _number(v.get("n")) % 2 == _number(v.get("m")) % 2),
    ("{x} > 0", frozenset("x"), lambda v: _number(v.get("x")) > 0),
    ("{x} * {n} != 2", frozenset("xn"), lambda v: "x" in v and "n" in v and _product(v) != 2),
    ("{y}", frozenset("y"), lambda v: v.get("y") is True),
    ("{y} or {x} == 1", frozenset("xy"), lambda v: v.get("y") is True or _number(v.get("x")) == 1),
    ("{zl} == 1", frozenset({"zl"}), lambda v: v.get("zl") == 1),
    ("{zr} == 'i'", frozenset({"zr"}), lambda v: v.get("zr") == "i"),
    ("{zl} <= {n}", frozenset({"zl", "n"}), lambda v: _number(v.get("zl")) <= _number(v.get("n"))),
    ("{c} == 5", frozenset("c"), lambda v: "c" in v),
    ("not {c} == 5 or {n} > 1", frozenset("cn"), lambda v: "c" not in v or _number(v.get("n")) > 1),
]


def _is(values: Values, n: int) -> bool:
    return values.get("n") == n


def _product(values: Values) -> float:
    return _number(values["x"]) * _number(values["n"])


@dataclass(frozen=True)
class Ruled:
    """A space as a document, with its rules by role as functions."""

    document: dict[str, object]
    names: Mapping[str, str]
    conditions: Mapping[str, list[Meaning]]
    constraints: list[Meaning]
    roles: tuple[str, ...]

    def spec(self, method: str, **keys: object) -> SweepSpec | None:
        """Return the sweep; None if it is refused, as for constraints that no point satisfies."""
        metric = {"metric": {"name": "loss"}} if method == "bayes" else {}
        text = {"program": "t.py", "seed": 3, "method": method, **metric, **self.document, **keys}
        parsed = parse_mapping(text)
        assert parsed.spec is not None or {each.code for each in parsed.refusals} <= {"infeasible"}
        return parsed.spec

    def points(self) -> list[Point]:
        """Return all points, each once, in the order of a grid, by trying every combination."""
        found: dict[str, Point] = {}
        for values in self._assignments():
            active: dict[str, Json] = {}
            for role in ROLES:
                if role in values and all(holds(active) for holds in self.conditions.get(role, [])):
                    active[role] = values[role]
            if all(holds(active) for holds in self.constraints):
                point = self.point(active)
                found.setdefault(canonical_json(point), point)
        return list(found.values())

    def point(self, active: Values) -> Point:
        """Return the point of a run for values by role."""
        flat: Point = {self.names[r]: v for r, v in active.items() if r not in "xy"}
        inner: Point = {self.names[r]: active[r] for r in "xy" if r in active}
        complete = flat | ({self.names["g"]: inner} if inner else {})
        if inner:
            complete[self.names["g"]] = dict(sorted(inner.items()))
        return dict(sorted(complete.items()))

    def _assignments(self) -> Iterator[dict[str, Json]]:
        """Yield every combination, the last dimension fastest; groups and zips sort by their first name."""
        places: dict[tuple[str, ...], list[dict[str, Json]]] = {}
        for role in self.roles:
            if role == "zr":
                continue
            if role == "zl":
                rows = zip(CHOICES["zl"], CHOICES["zr"], strict=True)
                first = min(self.names["zl"], self.names["zr"])
                places[(first,)] = [{"zl": left, "zr": right} for left, right in rows]
            else:
                path = (self.names["g"], self.names[role]) if role in "xy" else (self.names[role],)
                places[path] = [{role: choice} for choice in CHOICES[role]]
        for parts in product(*(places[path] for path in sorted(places))):
            yield {role: value for part in parts for role, value in part.items()}


@st.composite
def ruled_spaces(draw: st.DrawFn) -> Ruled:
    """Draw the parameters, their names (which determine the order), and the rules."""
    letters = draw(st.permutations("abcdefghi"))
    names = dict(zip((*ROLES, "g"), letters, strict=True))
    shown = names | {role: f"{names['g']}.{names[role]}" for role in "xy"}
    present = {"k", "n", *draw(st.sets(st.sampled_from(["m", "x", "y", "z", "c"])))}
    present |= {"zl", "zr"} if "z" in present else set()
    roles = tuple(role for role in ROLES if role in present)

    def usable(before: set[str]) -> st.SearchStrategy[tuple[str, frozenset[str], Meaning]]:
        return st.sampled_from([rule for rule in RULES if rule[1] <= before])

    conditions: dict[str, list[Meaning]] = {}
    parameters: dict[str, dict[str, object]] = {}
    for place, role in enumerate(roles):
        entry: dict[str, object] = {"value": 5} if role == "c" else {"values": CHOICES[role]}
        before = set(roles[:place]) - ({"x"} if role == "y" and draw(st.booleans()) else set())
        if place and draw(st.booleans()):
            text, _, meaning = draw(usable(before))
            entry["when"] = text.format(**shown)
            conditions[role] = [meaning]
        parameters[role] = entry
    document: dict[str, dict[str, object]] = {names[r]: parameters[r] for r in roles if r not in "xy"}
    grouped: dict[str, object] = {names[role]: parameters[role] for role in "xy" if role in roles}
    if grouped:
        group: dict[str, object] = {"parameters": grouped}
        if draw(st.booleans()):
            text, _, meaning = draw(usable(set(roles[: roles.index("x" if "x" in roles else "y")])))
            group["when"] = text.format(**shown)
            for role in "xy":
                conditions[role] = [meaning, *conditions.get(role, [])]
        document[names["g"]] = group
    chosen = draw(st.lists(usable(set(roles)), max_size=2))
    return Ruled(
        document={
            "parameters": document,
            "constraints": [text.format(**shown) for text, _, _ in chosen],
            **({"zip": [[names["zr"], names["zl"]]]} if "zl" in roles else {}),
        },
        names=names,
        conditions=conditions,
        constraints=[meaning for _, _, meaning in chosen],
        roles=roles,
    )


def walked(space: SearchSpace, limit: int, partial: dict[str, Json] | None = None) -> list[Point]:
    """Return the points of a grid, or those that have the values of `partial`; `limit` is that of a step."""
    found, start = [], 0
    while start < (space.grid.size or 0):
        start, point = space.grid.next(start, limit, partial)
        if point is not None:
            found.append(point)
            start += 1
    return found
