"""Reads `early_terminate`: one rule, or a list of them."""

from collections.abc import Callable
from typing import Final

from sweepd.spec.limits import MAX_HALVINGS, MAX_ITERATIONS, MAX_RULES
from sweepd.spec.point import Number
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.keys import RULE_KEYS
from sweepd.spec.reading.nodes import MappingNode, ScalarNode, SequenceNode
from sweepd.spec.stop_rules import Asha, Hyperband, Median, Patience, StopRule, Threshold
from sweepd.spec.wording import nearest, shown

_KEY: Final = "early_terminate"


def read_early_terminate(sweep: Fields) -> tuple[StopRule, ...]:
    """Return the rules in their order; what is unusable is left out, after recording why."""
    match sweep.node_at(_KEY):
        case None | ScalarNode(value=None):
            return ()
        case MappingNode() as mapping:
            rule = _rule(Fields(mapping, _KEY, sweep.node.entries[_KEY].place, sweep.findings))
            return () if rule is None else (rule,)
        case SequenceNode(items=items):
            if not 1 <= len(items) <= MAX_RULES:
                sweep.error("out-of-range", f"must have 1 to {MAX_RULES} rules, not {len(items)}", key=_KEY)
            rules = [_item(sweep, item, f"{_KEY}[{index}]") for index, item in enumerate(items)]
            return tuple(rule for rule in rules if rule is not None)
        case _:
            message = "must be a mapping with the key `type`, or a list of such"
            sweep.error("bad-type", message, key=_KEY)
            return ()


def _item(sweep: Fields, item: ScalarNode | SequenceNode | MappingNode, path: str) -> StopRule | None:
    if isinstance(item, MappingNode):
        return _rule(Fields(item, path, item.place, sweep.findings))
    sweep.findings.error(item.place, path, "bad-type", "must be a mapping with the key `type`")
    return None


def _rule(fields: Fields) -> StopRule | None:
    kind = fields.word("type", list(RULE_KEYS))
    fields.need("type", f": {', '.join(list(RULE_KEYS)[:-1])} or {list(RULE_KEYS)[-1]}")
    if kind is None:
        _check_known(fields)
        return None
    fields.check_keys(("type", *RULE_KEYS[kind]), f"the rule {kind}")
    return _READERS[kind](fields)


def _check_known(fields: Fields) -> None:
    """Refuse keys that no rule has, where it is not known which rule is meant."""
    known = {"type"}.union(*RULE_KEYS.values())
    for key, entry in fields.node.entries.items():
        if key not in known:
            message = f"unknown key {shown(key)} in a rule of early termination"
            fields.findings.error(
                entry.place, fields.path_of(key), "unknown-key", message, nearest(key, known)
            )


def _iteration(fields: Fields, key: str, default: int | None = None) -> int | None:
    return fields.integer(key, 1, MAX_ITERATIONS) if key in fields else default


def _eta(fields: Fields) -> Number | None:
    eta = fields.number("eta") if "eta" in fields else 3
    if eta is not None and eta <= 1:
        fields.error("out-of-range", f"must be greater than 1, not {shown(eta)}", key="eta")
        return None
    return eta


def _hyperband(fields: Fields) -> Hyperband | None:
    min_iter, max_iter = _iteration(fields, "min_iter"), _iteration(fields, "max_iter")
    s = fields.integer("s", 0 if "max_iter" in fields else 1, MAX_HALVINGS)
    strict, eta = fields.boolean("strict"), _eta(fields)
    if not _has_schedule(fields) or eta is None:
        return None
    rule = Hyperband(min_iter=min_iter, eta=eta, strict=strict is not False)
    if "max_iter" in fields and "s" in fields:
        if max_iter is None or s is None:
            return None
        rule = Hyperband(max_iter=max_iter, s=s, eta=eta, strict=strict is not False)
        if not rule.brackets(max_iter):
            message = (
                f"max_iter {max_iter}, s {s} and eta {eta} leave no bracket: nothing would ever be stopped"
            )
            fields.error("no-bracket", message)
    return rule if max_iter is not None or min_iter is not None else None


def _has_schedule(fields: Fields) -> bool:
    """Check that the keys are `min_iter`, or `max_iter` with `s`; warn of what has no effect."""
    if "max_iter" in fields and "s" in fields:
        _without_effect(fields, "min_iter", "has no effect beside `max_iter` and `s`")
        return True
    if "min_iter" in fields:
        # Many files have one of the two beside `min_iter`, and W&B passes over it.
        _without_effect(fields, "max_iter", "has no effect without `s`; brackets begin at `min_iter`")
        _without_effect(fields, "s", "has no effect without `max_iter`; brackets begin at `min_iter`")
        return True
    if "max_iter" in fields:
        fields.error("missing-key", "`max_iter` needs `s`, the number of brackets")
    elif "s" in fields:
        fields.error("missing-key", "`s` needs `max_iter`", key="s")
    else:
        fields.error("missing-key", "needs `min_iter`, or `max_iter` and `s`")
    return False


def _without_effect(fields: Fields, key: str, message: str) -> None:
    if key in fields:
        place = fields.node.entries[key].place
        fields.findings.warning(place, fields.path_of(key), "no-effect", message)


def _asha(fields: Fields) -> Asha | None:
    fields.need("min_iter", ", the first iteration at which runs are compared")
    min_iter, max_iter = _iteration(fields, "min_iter"), _iteration(fields, "max_iter")
    eta = _eta(fields)
    if min_iter is None or eta is None:
        return None
    if max_iter is not None and max_iter <= min_iter:
        message = f"max_iter {max_iter} leaves no rung from {min_iter} on: nothing would ever be stopped"
        fields.error("no-bracket", message, key="max_iter")
    return Asha(min_iter=min_iter, eta=eta, max_iter=max_iter)


def _median(fields: Fields) -> Median | None:
    fields.need("min_iter", ", the first iteration at which runs are compared")
    min_iter = _iteration(fields, "min_iter")
    interval, min_runs = _iteration(fields, "interval", 1), _iteration(fields, "min_runs", 5)
    if min_iter is None or interval is None or min_runs is None:
        return None
    return Median(min_iter=min_iter, interval=interval, min_runs=min_runs)


def _patience(fields: Fields) -> Patience | None:
    fields.need("iterations", ", how long a run may go without improving")
    iterations = _iteration(fields, "iterations")
    min_delta = fields.number("min_delta") if "min_delta" in fields else 0
    if min_delta is not None and min_delta < 0:
        fields.error("out-of-range", f"must be at least 0, not {shown(min_delta)}", key="min_delta")
    if iterations is None or min_delta is None:
        return None
    return Patience(iterations=iterations, min_delta=min_delta)


def _threshold(fields: Fields) -> Threshold | None:
    fields.need("at", ", the iteration at which runs are judged")
    fields.need("value", ", which is just good enough")
    at, value = _iteration(fields, "at"), fields.number("value")
    return None if at is None or value is None else Threshold(at=at, value=value)


_READERS: Final[dict[str, Callable[[Fields], StopRule | None]]] = {
    "hyperband": _hyperband,
    "asha": _asha,
    "median": _median,
    "patience": _patience,
    "threshold": _threshold,
}
