"""Early termination rules: their keys, and the shape of `early_terminate`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from sweepd.spec.keys.shape import (
    BOOLEAN,
    Key,
    Schema,
    ValueShape,
    any_of,
    closed,
    explained,
    integer,
    items,
    needs,
    number,
    only,
    read_record,
    reference,
    where,
    written,
)
from sweepd.spec.limits import MAX_HALVINGS, MAX_ITERATIONS, MAX_RULES
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.tree import MappingNode, Node, ScalarNode, SequenceNode
from sweepd.spec.point import Json
from sweepd.spec.stop_rules import Asha, Hyperband, Median, Patience, StopRule, Threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Kind of rule: its dataclass, its keys other than `type`, and a check of their combination.

    `check` records errors, and drops values that have no effect.
    """

    kind: Callable[..., StopRule]
    doc: str
    keys: tuple[Key, ...]
    check: Callable[[Fields, dict[str, object]], None] | None = None
    needs: Schema | None = None


def _s(rule: Fields, key: str) -> int | None:
    # With `max_iter`, accept 0 here: `_check_brackets` reports it as "no-bracket".
    return rule.integer(key, 0 if "max_iter" in rule else 1, MAX_HALVINGS)


def _check_hyperband(rule: Fields, values: dict[str, object]) -> None:
    """Check that the keys are `min_iter`, or `max_iter` with `s`; warn about keys without effect."""
    if "max_iter" in rule and "s" in rule:
        _without_effect(rule, values, "min_iter", "has no effect beside `max_iter` and `s`")
        _check_brackets(rule, values)
    elif "min_iter" in rule:
        # Many files have `max_iter` or `s` beside `min_iter`; W&B ignores it.
        _without_effect(rule, values, "max_iter", "has no effect without `s`; brackets begin at `min_iter`")
        _without_effect(rule, values, "s", "has no effect without `max_iter`; brackets begin at `min_iter`")
    elif "max_iter" in rule:
        rule.error("missing-key", "`max_iter` needs `s`, the number of brackets")
    elif "s" in rule:
        rule.error("missing-key", "`s` needs `max_iter`", key="s")
    else:
        rule.error("missing-key", "needs `min_iter`, or `max_iter` and `s`")


def _check_brackets(rule: Fields, values: Mapping[str, object]) -> None:
    if any(key in rule and key not in values for key in ("max_iter", "s", "eta")):
        return  # at least one value is invalid, which has been reported
    build: Callable[..., Hyperband] = Hyperband
    found = build(**values)
    if found.max_iter is not None and not found.brackets(found.max_iter):
        leaves = f"max_iter {found.max_iter}, s {found.s} and eta {found.eta} leave no bracket"
        rule.error("no-bracket", f"{leaves}: nothing would ever be stopped")


def _without_effect(rule: Fields, values: dict[str, object], key: str, message: str) -> None:
    values.pop(key, None)
    if key in rule:
        rule.findings.warning(rule.node.entries[key].place, rule.path_of(key), "no-effect", message)


def _check_asha(rule: Fields, values: Mapping[str, object]) -> None:
    first, last = values.get("min_iter"), values.get("max_iter")
    if isinstance(first, int) and isinstance(last, int) and last <= first:
        message = f"max_iter {last} leaves no rung from {first} on: nothing would ever be stopped"
        rule.error("no-bracket", message, key="max_iter")


_MEDIAN: Final = Median(min_iter=1)
_ITERATION: Final = integer(1, MAX_ITERATIONS)
_MIN_ITER: Final = Key(
    "min_iter", _ITERATION, "hyperband, asha, median: the first iteration at which runs are compared."
)
_FIRST: Final = replace(_MIN_ITER, needed=", the first iteration at which runs are compared")
_MAX_ITER: Final = Key(
    "max_iter",
    _ITERATION,
    "hyperband: with `s`, the length of a full run, which is divided by `eta` s times. asha: all rungs are "
    "below this iteration.",
)
_ETA: Final = Key(
    "eta",
    number(above=1),
    "hyperband, asha: ratio between consecutive rungs; the best 1/eta of the runs continue. Default: "
    f"{Hyperband().eta}.",
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "hyperband": Rule(
            kind=Hyperband,
            doc="At each bracket, stops a run that is not among the best 1/eta of the runs that reached it.",
            keys=(
                _MIN_ITER,
                _MAX_ITER,
                Key(
                    "s",
                    ValueShape(_s, integer(1, MAX_HALVINGS).schema),
                    "hyperband: number of times that `max_iter` is divided by `eta`.",
                ),
                _ETA,
                Key(
                    "strict",
                    BOOLEAN,
                    "hyperband: true judges a run by its value at the bracket, false by its best value so "
                    "far. Default: true.",
                ),
            ),
            check=_check_hyperband,
            needs=any_of(needs("min_iter"), needs("max_iter", "s")),
        ),
        "asha": Rule(
            kind=Asha,
            doc="At each rung, stops a run that is not among the best 1/eta of the runs that reached it.",
            keys=(_FIRST, _ETA, _MAX_ITER),
            check=_check_asha,
        ),
        "median": Rule(
            kind=Median,
            doc="Stops a run whose best value is worse than the median of the best values of the other runs.",
            keys=(
                _FIRST,
                Key(
                    "interval",
                    _ITERATION,
                    f"median: iterations from one comparison to the next. Default: {_MEDIAN.interval}.",
                ),
                Key(
                    "min_runs",
                    _ITERATION,
                    "median: minimum number of other runs that have reached the iteration. "
                    f"Default: {_MEDIAN.min_runs}.",
                ),
            ),
        ),
        "patience": Rule(
            kind=Patience,
            doc="Stops a run that has not improved for some iterations.",
            keys=(
                Key(
                    "iterations",
                    _ITERATION,
                    "patience: number of iterations that a run may continue without improvement.",
                    needed=", the number of iterations without improvement",
                ),
                Key(
                    "min_delta",
                    number(least=0),
                    "patience: an improvement counts only if it is greater than this. Default: 0.",
                ),
            ),
        ),
        "threshold": Rule(
            kind=Threshold,
            doc="Stops a run whose value at one iteration is worse than a given one.",
            keys=(
                Key(
                    "at",
                    _ITERATION,
                    "threshold: the iteration at which a run is judged.",
                    needed=", the iteration at which runs are judged",
                ),
                Key(
                    "value",
                    number(),
                    "threshold: the worst acceptable value.",
                    needed=", the worst acceptable value",
                ),
            ),
        ),
    }
)
"""Kinds of rules by `type`. A new kind needs an entry here and a protobuf message."""

_NAMES: Final = {rule.kind: name for name, rule in RULES.items()}


def rule_name(rule: StopRule) -> str:
    """Return the `type` of a rule."""
    return _NAMES[type(rule)]


def rule_schema() -> Schema:
    """Return the schema of one rule."""
    by_name = {key.name: replace(key, needed=None) for rule in RULES.values() for key in rule.keys}
    kinds: list[Schema] = []
    for name, rule in RULES.items():
        needed = rule.needs or needs(*(key.name for key in rule.keys if key.needed is not None))
        names = only(("type", *(key.name for key in rule.keys)))
        kinds.append(where("type", {"const": name}, {**needed, **names}))
    kind = Key(
        "type",
        ValueShape(_kind, explained({name: rule.doc for name, rule in RULES.items()})),
        "Kind of early termination rule.",
        needed="",
    )
    return closed((kind, *by_name.values()), allOf=kinds)


def _kind(rule: Fields, key: str) -> str | None:
    return rule.word(key, list(RULES))


def _read(sweep: Fields, key: str) -> tuple[StopRule, ...] | None:
    """Return the rules in order; record an error for each invalid rule, and omit it."""
    match sweep.node_at(key):
        case ScalarNode(value=None):
            return None
        case MappingNode() as mapping:
            rules = [_rule(Fields(mapping, key, sweep.node.entries[key].place, sweep.findings))]
        case SequenceNode(items=listed):
            if not 1 <= len(listed) <= MAX_RULES:
                sweep.error("out-of-range", f"must have 1 to {MAX_RULES} rules, not {len(listed)}", key=key)
            rules = [_item(sweep, item, f"{key}[{index}]") for index, item in enumerate(listed)]
        case _:
            sweep.error(
                "bad-type", "must be a mapping with the key `type`, or a list of such mappings", key=key
            )
            return None
    return tuple(rule for rule in rules if rule is not None)


def _item(sweep: Fields, item: Node, path: str) -> StopRule | None:
    if isinstance(item, MappingNode):
        return _rule(Fields(item, path, item.place, sweep.findings))
    sweep.findings.error(item.place, path, "bad-type", "must be a mapping with the key `type`")
    return None


def _rule(mapping: Fields) -> StopRule | None:
    name = _kind(mapping, "type")
    mapping.need("type", f": {', '.join(list(RULES)[:-1])} or {list(RULES)[-1]}")
    if name is None:
        known = {"type"}.union(key.name for rule in RULES.values() for key in rule.keys)
        mapping.check_keys(known, "a rule of early termination")
        return None
    rule = RULES[name]
    return read_record(mapping, rule.kind, rule.keys, f"the rule {name}", rule.check, beside=("type",))


def _write(rules: object) -> Json:
    assert isinstance(rules, tuple)
    documents: list[Json] = [
        {"type": rule_name(rule), **written(RULES[rule_name(rule)].keys, rule)} for rule in rules
    ]
    return documents if len(documents) > 1 else documents[0] if documents else None


_RULE: Final = reference("rule")
EARLY_TERMINATE: Final = ValueShape(
    _read, any_of(_RULE, items(_RULE, minItems=1, maxItems=MAX_RULES), {"type": "null"}), _write
)
