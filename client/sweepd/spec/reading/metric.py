"""Reads the `metric` of a file."""

from enum import StrEnum

from sweepd.spec.limits import MAX_NAME_LENGTH
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.keys import METRIC_KEYS
from sweepd.spec.reading.nodes import ScalarNode
from sweepd.spec.sweep_spec import Goal, Impute, Metric, ObjectiveValue


class ImputeWhileRunning(StrEnum):
    """The words of `impute_while_running`."""

    WORST = "worst"
    BEST = "best"
    LATEST = "latest"
    OFF = "false"


def read_metric(sweep: Fields) -> Metric | None:
    """Return the metric, or None where there is none or, after recording why, an unusable one."""
    fields = sweep.inner("metric", "a mapping with the key `name`")
    return None if fields is None else metric_of(fields)


def metric_of(fields: Fields) -> Metric | None:
    """Return the metric that a mapping describes, or None after recording why it describes none."""
    fields.check_keys(METRIC_KEYS, "`metric`")
    fields.need("name", ", the key that the script logs")
    name = fields.text("name")
    if name is not None and len(name) > MAX_NAME_LENGTH:
        fields.error("bad-name", f"at most {MAX_NAME_LENGTH} characters are allowed", key="name")
    target = fields.number("target")
    goal, impute = fields.choice("goal", Goal), fields.choice("impute", Impute)
    value = fields.choice("value", ObjectiveValue)
    while_running = _impute_while_running(fields)
    if name is None:
        return None
    return Metric(
        name=name,
        goal=goal or Goal.MINIMIZE,
        target=None if target is None else float(target),
        impute=impute or Impute.WORST,
        impute_while_running=while_running,
        value=value or ObjectiveValue.BEST,
    )


def _impute_while_running(fields: Fields) -> Impute | None:
    key = "impute_while_running"
    node = fields.node_at(key)
    if isinstance(node, ScalarNode) and node.value is False:  # unquoted, it is meant like the text
        return None
    word = fields.choice(key, ImputeWhileRunning)
    return None if word in (None, ImputeWhileRunning.OFF) else Impute(str(word))
