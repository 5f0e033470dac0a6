"""Checks the keys that come later: their shape is judged now, a sweep that has one cannot be created yet."""

from collections.abc import Callable
from typing import Final

from sweepd.spec.limits import INT64_MIN, MAX_EXPRESSION_LENGTH
from sweepd.spec.reading.diagnostic import NOT_SUPPORTED_YET, Place
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.keys import (
    CONTROLLER_KEYS,
    LATER_KEYS,
    LATER_METHODS,
    SCHEDULER_KEYS,
    STOP_WHEN_KEYS,
)
from sweepd.spec.reading.metric import metric_of
from sweepd.spec.reading.nodes import MappingNode, ScalarNode, SequenceNode
from sweepd.spec.wording import shown

CONTROLLERS: Final = ("local", "cloud")
ENGINES: Final = ("gp", "tpe", "skopt", "optuna", "ax", "wandb")
ON_DISCONNECT: Final = ("continue", "stop")
_FOREIGN_ENGINES: Final = ("wandb", "ax")


def read_later(fields: Fields) -> tuple[str, ...]:
    """Return the keys, and values of keys, that keep a sweep from being created yet; each gets a warning."""
    found: list[str] = []
    for key in LATER_KEYS:
        if key in fields:
            errors = fields.findings.errors
            _CHECKS[key](fields, key)
            found.append(key)
            if fields.findings.errors == errors:
                _warn(fields, fields.node.entries[key].place, key, f"`{key}`")
    found += _later_method(fields)
    return (*found, *_local_controller(fields))


def _warn(fields: Fields, place: Place | None, path: str, what: str) -> None:
    message = f"{what} is not supported yet: it can be checked, not created"
    fields.findings.warning(place, path, NOT_SUPPORTED_YET, message)


def _later_method(fields: Fields) -> list[str]:
    node = fields.node_at("method")
    if not isinstance(node, ScalarNode) or node.value not in LATER_METHODS:
        return []
    _warn(fields, node.place, "method", shown(node.value))
    return [f"method: {node.value}"]


def _local_controller(fields: Fields) -> list[str]:
    """Check `controller`; where the server suggests, as it does without the key, there is nothing to say."""
    inner = fields.inner("controller", "a mapping with the key `type`")
    if inner is None:
        return []
    inner.check_keys(CONTROLLER_KEYS, "`controller`")
    inner.need("type", ": local or cloud")
    if inner.word("type", CONTROLLERS) != "local":
        return []
    _warn(fields, inner.node.entries["type"].node.place, "controller.type", shown("local"))
    return ["controller: local"]


def _metrics(fields: Fields, key: str) -> None:
    items = fields.items(key, "a list of metrics")
    if isinstance(fields.node_at(key), SequenceNode) and len(items) < 2:
        fields.error("out-of-range", "needs at least two metrics; one goes under `metric`", key=key)
    if "metric" in fields:
        fields.error("mixed-forms", "`metric` and `metrics` exclude each other", key=key)
    names: set[str] = set()
    for index, item in enumerate(items):
        if not isinstance(item, MappingNode):
            fields.item_error(key, index, "bad-type", "must be a mapping with the key `name`")
            continue
        metric = metric_of(Fields(item, f"{key}[{index}]", item.place, fields.findings))
        if metric is not None and metric.name in names:
            fields.item_error(key, index, "duplicate-value", f"{shown(metric.name)} is given twice")
        names.add(metric.name if metric else "")


def _scheduler(fields: Fields, key: str) -> None:
    inner = fields.inner(key, "a mapping with the key `engine`")
    if inner is None:
        return
    inner.check_keys(SCHEDULER_KEYS, "`scheduler`")
    inner.need("engine", f": {', '.join(ENGINES)}, or an address")
    if isinstance(inner.node_at("engine"), MappingNode):
        remote = inner.inner("engine", "")
        if remote is not None:
            remote.check_keys(("address",), "an engine")
            remote.need("address", ", as HOST:PORT")
            _check_address(remote)
        return
    engine = inner.word("engine", ENGINES)
    for name in ("source", "optimizer"):
        inner.text(name)
    for name in ("optimizer", "search_space"):
        if name in inner and "source" not in inner:
            inner.error("missing-key", f"`{name}` needs `source`", key=name)
    if engine is not None:
        _check_engine(fields, inner, engine)


def _check_engine(fields: Fields, inner: Fields, engine: str) -> None:
    """Check what W&B asks of the sweeps that use its engines."""
    method = fields.node_at("method")
    is_custom = isinstance(method, ScalarNode) and method.value == "custom"
    if engine == "ax" and not is_custom:
        inner.error("mixed-forms", f"the engine {engine} needs `method: custom`", key="engine")
    if engine not in ("optuna", "ax") and is_custom:
        inner.error("mixed-forms", f"the engine {engine} does not go with `method: custom`", key="engine")
    if engine in _FOREIGN_ENGINES or is_custom:
        rule, controller = fields.node_at("early_terminate"), fields.node_at("controller")
        if rule is not None and not (isinstance(rule, ScalarNode) and rule.value is None):
            message = f"`early_terminate` does not go with the engine {engine}"
            inner.error("mixed-forms", message, key="engine")
        if isinstance(controller, MappingNode) and _is_local(controller):
            message = f"`controller: {{type: local}}` does not go with the engine {engine}"
            inner.error("mixed-forms", message, key="engine")


def _is_local(controller: MappingNode) -> bool:
    kind = controller.entries.get("type")
    return kind is not None and isinstance(kind.node, ScalarNode) and kind.node.value == "local"


def _check_address(remote: Fields) -> None:
    address = remote.text("address")
    if address is not None:
        host, separator, port = address.rpartition(":")
        if not (host and separator and port.isdecimal() and port.isascii() and 0 < int(port[:9]) < 65_536):
            remote.error("bad-value", f"must be HOST:PORT, not {shown(address)}", key="address")


def _expressions(fields: Fields, key: str) -> None:
    for index, text in fields.texts(key, "a list of expressions").items():
        if len(text) > MAX_EXPRESSION_LENGTH:
            message = f"an expression of {len(text):,} characters; at most {MAX_EXPRESSION_LENGTH:,} are read"
            fields.item_error(key, index, "bad-expression", message)


def _stop_when(fields: Fields, key: str) -> None:
    inner = fields.inner(key, "a mapping with the keys `no_improvement` and `expected_improvement`")
    if inner is None:
        return
    inner.check_keys(STOP_WHEN_KEYS, f"`{key}`")
    inner.integer("no_improvement", 1)
    least = inner.number("expected_improvement")
    if least is not None and least <= 0:
        message = f"must be greater than 0, not {shown(least)}"
        inner.error("out-of-range", message, key="expected_improvement")
    if not inner.node.entries:
        inner.error("missing-key", "needs `no_improvement` or `expected_improvement`")


_CHECKS: Final[dict[str, Callable[[Fields, str], object]]] = {
    "metrics": _metrics,
    "scheduler": _scheduler,
    "reproducible": lambda fields, key: fields.integer(key, 1),
    "outcome_constraints": _expressions,
    "run_timeout": Fields.duration,
    "max_parallel": lambda fields, key: fields.integer(key, 1),
    "priority": lambda fields, key: fields.integer(key, INT64_MIN),
    "stop_when": _stop_when,
    "on_disconnect": lambda fields, key: fields.word(key, ON_DISCONNECT),
}
