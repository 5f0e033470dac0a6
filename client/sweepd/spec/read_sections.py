"""Reads the `metric` and `early_terminate` of a file."""

from enum import StrEnum
from typing import Final

from sweepd.spec.diagnostic import NOT_SUPPORTED_YET, Findings
from sweepd.spec.fields import Fields
from sweepd.spec.hyperband import Hyperband
from sweepd.spec.limits import MAX_HALVINGS, MAX_NAME_LENGTH
from sweepd.spec.nodes import Entry, MappingNode, ScalarNode, SequenceNode
from sweepd.spec.sweep_spec import Goal, Impute, Metric

_METRIC_KEYS: Final = ("name", "goal", "target", "impute", "impute_while_running")
_METRIC_KEYS_LATER: Final = ("value",)
_HYPERBAND_KEYS: Final = ("type", "min_iter", "max_iter", "s", "eta", "strict")
_STOPPERS_LATER: Final = ("asha", "median", "patience", "threshold")


class _Stopper(StrEnum):
    HYPERBAND = "hyperband"


class _ImputeWhileRunning(StrEnum):
    """The words of `impute_while_running`."""

    WORST = "worst"
    BEST = "best"
    LATEST = "latest"
    OFF = "false"


def read_metric(entry: Entry, findings: Findings) -> Metric | None:
    """Return the metric, or None after recording why there is none."""
    if not isinstance(entry.node, MappingNode):
        message = "must be a mapping with the key `name`"
        findings.error(entry.node.place, "metric", "bad-type", message)
        return None
    fields = Fields(entry.node, "metric", entry.place, findings)
    fields.check_keys(_METRIC_KEYS, _METRIC_KEYS_LATER, "`metric`")
    name = fields.text("name")
    if "name" not in fields:
        fields.error("missing-key", "needs `name`, the key that the script logs")
    if name is not None and len(name) > MAX_NAME_LENGTH:
        fields.error("bad-name", f"at most {MAX_NAME_LENGTH} characters are allowed", key="name")
    target = fields.number("target")
    goal, impute = fields.choice("goal", Goal), fields.choice("impute", Impute)
    while_running = _impute_while_running(fields)
    if name is None:
        return None
    return Metric(
        name=name,
        goal=goal or Goal.MINIMIZE,
        target=None if target is None else float(target),
        impute=impute or Impute.WORST,
        impute_while_running=while_running,
    )


def _impute_while_running(fields: Fields) -> Impute | None:
    key = "impute_while_running"
    node = fields.node_at(key)
    if isinstance(node, ScalarNode) and node.value is False:  # unquoted, it is meant like the text
        return None
    word = fields.choice(key, _ImputeWhileRunning)
    return None if word in (None, _ImputeWhileRunning.OFF) else Impute(str(word))


def read_early_terminate(entry: Entry, findings: Findings) -> Hyperband | None:
    """Return the rule, or None where it is null or, after recording why, unusable."""
    path = "early_terminate"
    match entry.node:
        case ScalarNode(value=None):
            return None
        case SequenceNode():
            message = "a list of rules is not supported yet"
            findings.error(entry.node.place, path, NOT_SUPPORTED_YET, message)
            return None
        case MappingNode() as mapping:
            fields = Fields(mapping, path, entry.place, findings)
            return _hyperband(fields)
        case _:
            findings.error(entry.node.place, path, "bad-type", "must be a mapping with the key `type`")
            return None


def _hyperband(fields: Fields) -> Hyperband | None:
    kind = fields.choice("type", _Stopper, later=_STOPPERS_LATER)
    if "type" not in fields:
        fields.error("missing-key", "needs `type: hyperband`")
    elif kind is None:
        return None  # its other keys are those of another rule
    fields.check_keys(_HYPERBAND_KEYS, (), "`early_terminate`")
    min_iter, max_iter = fields.integer("min_iter", 1), fields.integer("max_iter", 1)
    s = fields.integer("s", 0, MAX_HALVINGS)
    strict = fields.boolean("strict")
    eta = fields.number("eta") if "eta" in fields else 3
    if eta is not None and eta <= 1:
        fields.error("out-of-range", f"must be greater than 1, not {eta}", key="eta")
        eta = None
    if not _has_schedule(fields) or eta is None:
        return None
    rule = Hyperband(min_iter=min_iter, eta=eta, strict=strict is not False)
    if "max_iter" in fields:
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
    """Check that the keys are `min_iter`, or `max_iter` with `s`."""
    if "max_iter" in fields and "s" not in fields:
        fields.error("missing-key", "`max_iter` needs `s`, the number of brackets")
        return False
    if "s" in fields and "max_iter" not in fields:
        fields.error("missing-key", "`s` needs `max_iter`", key="s")
        return False
    if "max_iter" in fields and "min_iter" in fields:
        message = "has no effect beside `max_iter` and `s`"
        place = fields.node.entries["min_iter"].place
        fields.findings.warning(place, fields.path_of("min_iter"), "no-effect", message)
    if "max_iter" not in fields and "min_iter" not in fields:
        fields.error("missing-key", "needs `min_iter`, or `max_iter` and `s`")
        return False
    return True
