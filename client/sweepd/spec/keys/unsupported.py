"""Keys and values that are not supported yet: they are checked, but no sweep is created."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from sweepd.spec.finding import NOT_SUPPORTED_YET, Place
from sweepd.spec.keys.shape import (
    ANYTHING,
    DURATION,
    Key,
    Schema,
    ValueShape,
    all_of,
    any_of,
    choice,
    closed,
    integer,
    items,
    needs,
    number,
    one_of,
    read_record,
    record,
    reference,
    text,
    where,
)
from sweepd.spec.keys.special import EXPRESSION_SCHEMA
from sweepd.spec.limits import MAX_EXPRESSION_LENGTH
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.tree import MappingNode, SequenceNode, place_of, plain
from sweepd.spec.wording import shown

UNSUPPORTED_METHODS: Final = ("custom",)
CONTROLLERS: Final = ("local", "cloud")
ENGINES: Final = ("gp", "tpe", "skopt", "optuna", "ax", "wandb")
ON_DISCONNECT: Final = ("continue", "stop")
_FOREIGN_ENGINES: Final = ("ax", "wandb")
_CUSTOM_ENGINES: Final = ("ax", "optuna")
"""Engines allowed with `method: custom`."""


def read_unsupported(sweep: Fields, keys: Sequence[Key]) -> tuple[str, ...]:
    """Return the keys and values that are not supported yet, after a warning about each."""
    found: list[str] = []
    for key in keys:
        if key.name in sweep:
            errors = sweep.findings.errors
            key.shape.read(sweep, key.name)
            found.append(key.name)
            if sweep.findings.errors == errors:
                _warn(sweep, sweep.node.entries[key.name].place, key.name, f"`{key.name}`")
    method = sweep.scalar("method")
    if method in UNSUPPORTED_METHODS:
        _warn(sweep, sweep.node.entries["method"].node.place, "method", shown(method))
        found.append(f"method: {method}")
    return (*found, *_local_controller(sweep))


def _warn(sweep: Fields, place: Place | None, path: str, what: str) -> None:
    message = f"{what} is not supported yet: no sweep can be created with it"
    sweep.findings.warning(place, path, NOT_SUPPORTED_YET, message)


def _local_controller(sweep: Fields) -> list[str]:
    """Return the unsupported value `controller: local` if the file has it, after a warning."""
    if CONTROLLER.read(sweep, "controller") != {"type": "local"}:
        return []
    _warn(sweep, place_of(sweep.node, ("controller", "type")), "controller.type", shown("local"))
    return ["controller: local"]


def _metrics(metric: ValueShape, sweep: Fields, key: str) -> None:
    listed = sweep.items(key, "a list of metrics")
    if isinstance(sweep.node_at(key), SequenceNode) and len(listed) < 2:
        sweep.error("out-of-range", "needs at least two metrics; one goes under `metric`", key=key)
    if "metric" in sweep:
        sweep.error("mixed-forms", "`metric` and `metrics` are mutually exclusive", key=key)
    names: set[object] = set()
    for index, item in enumerate(listed):
        if not isinstance(item, MappingNode):
            sweep.item_error(key, index, "bad-type", "must be a mapping with the key `name`")
            continue
        fields = Fields(item, f"{key}[{index}]", item.place, sweep.findings)
        name = (read_record(fields, dict[str, object], metric.keys, "`metric`") or {}).get("name")
        if name is not None and name in names:
            sweep.item_error(key, index, "duplicate-value", f"{shown(name)} is given twice")
        names.add(name)


def _scheduler(sweep: Fields, key: str) -> None:
    inner = sweep.inner(key, "a mapping with the key `engine`")
    if inner is None:
        return
    values = read_record(inner, dict[str, object], SCHEDULER_KEYS, "`scheduler`") or {}
    if isinstance(inner.node_at("engine"), MappingNode):
        return
    for name in ("source", "optimizer"):
        inner.text(name)
    for name in ("optimizer", "search_space"):
        if name in inner and "source" not in inner:
            inner.error("missing-key", f"`{name}` needs `source`", key=name)
    if isinstance(engine := values.get("engine"), str):
        _check_engine(sweep, inner, engine)


def _engine(scheduler: Fields, key: str) -> str | None:
    if not isinstance(scheduler.node_at(key), MappingNode):
        return scheduler.word(key, ENGINES)
    if (remote := scheduler.inner(key, "")) is not None:
        read_record(remote, dict, _REMOTE, "an engine")
    return None


def _check_engine(sweep: Fields, scheduler: Fields, engine: str) -> None:
    """Check W&B's requirements on a sweep with a `scheduler`."""
    is_custom = sweep.scalar("method") == "custom"
    refuse = partial(scheduler.error, "mixed-forms", key="engine")
    if engine == "ax" and not is_custom:
        refuse(f"the engine {engine} needs `method: custom`")
    if engine not in _CUSTOM_ENGINES and is_custom:
        refuse(f"the engine {engine} cannot be used with `method: custom`")
    if engine in _FOREIGN_ENGINES or is_custom:
        if sweep.is_set("early_terminate"):
            refuse(f"`early_terminate` cannot be used with the engine {engine}")
        controller = sweep.node_at("controller")
        kind = controller.entries.get("type") if isinstance(controller, MappingNode) else None
        if kind is not None and plain(kind.node) == "local":
            refuse(f"`controller: {{type: local}}` cannot be used with the engine {engine}")


def _address(remote: Fields, key: str) -> str | None:
    address = remote.text(key)
    if address is not None:
        host, separator, port = address.rpartition(":")
        if not (host and separator and port.isdecimal() and port.isascii() and 0 < int(port[:9]) < 65_536):
            remote.error("bad-value", f"must be HOST:PORT, not {shown(address)}", key=key)
    return address


def _expressions(sweep: Fields, key: str) -> None:
    for index, expression in sweep.texts(key, "a list of expressions").items():
        if len(expression) > MAX_EXPRESSION_LENGTH:
            length = f"an expression of {len(expression):,} characters"
            message = f"{length}; at most {MAX_EXPRESSION_LENGTH:,} are allowed"
            sweep.item_error(key, index, "bad-expression", message)


def _check_stop_when(stop_when: Fields, values: object) -> None:
    if not stop_when.node.entries:
        stop_when.error("missing-key", "needs `no_improvement` or `expected_improvement`")


def _skip_value(mapping: Fields, key: str) -> None:
    """Skip a value that other code reads."""


_ADDRESS: Final = ValueShape(_address, {"type": "string", "pattern": "^.+:[0-9]+$"})
_REMOTE: Final = (Key("address", _ADDRESS, "", needed=", as HOST:PORT"),)
_NAMED_ENGINE: Final[Schema] = {
    "properties": {"source": text().schema, "optimizer": text().schema},
    "dependencies": {"optimizer": ["source"], "search_space": ["source"]},
}
_ENGINE: Final = Key(
    "engine",
    ValueShape(_engine, any_of(choice(ENGINES), closed(_REMOTE))),
    "The engine that suggests points: one of these names, or the address of your own service.",
    needed=f": {', '.join(ENGINES)}, or an address",
)
_ANY: Final = ValueShape(_skip_value, ANYTHING)
SCHEDULER_KEYS: Final = (_ENGINE, *(Key(name, _ANY, "") for name in ("source", "optimizer", "search_space")))
STOP_WHEN_KEYS: Final = (
    Key("no_improvement", integer(1), ""),
    Key("expected_improvement", number(above=0), ""),
)
CONTROLLER: Final = record(
    dict, (Key("type", one_of(CONTROLLERS), "", needed=": local or cloud"),), "a mapping with the key `type`"
)
_NOT_YET: Final = " Not supported yet: it is validated, but no sweep can be created with it."


def unsupported_keys(metric: ValueShape) -> tuple[Key, ...]:
    """Return the unsupported keys, given the shape of a metric."""
    metrics = ValueShape(partial(_metrics, metric), items(reference("metric"), minItems=2))
    scheduler = closed(SCHEDULER_KEYS, **where("engine", {"type": "string"}, _NAMED_ENGINE))
    wanted = "a mapping with the keys `no_improvement` and `expected_improvement`"
    stop_when = record(dict, STOP_WHEN_KEYS, wanted, _check_stop_when, minProperties=1)
    keys = (
        Key("metrics", metrics, "Several objectives, at least two."),
        Key("scheduler", ValueShape(_scheduler, scheduler), "The engine that suggests points."),
        Key("reproducible", integer(1), "Lag W: run n depends only on the results of runs up to n - W."),
        Key(
            "outcome_constraints",
            ValueShape(_expressions, items(EXPRESSION_SCHEMA)),
            "Constraints on logged values, as expressions.",
        ),
        Key("run_timeout", DURATION, "Maximum duration of one run, such as `90s` or `1h30m`."),
        Key("max_parallel", integer(1), "Maximum number of concurrent runs across all agents."),
        Key("priority", integer(), "Priority of the sweep on agents that serve several sweeps."),
        Key("stop_when", stop_when, "Ends the sweep when little further improvement is expected."),
        Key("on_disconnect", one_of(ON_DISCONNECT), "What a run does while its agent is disconnected."),
    )
    return tuple(replace(key, doc=f"{key.doc}{_NOT_YET}") for key in keys)


def engine_rules() -> list[Schema]:
    """Return schemas of W&B's requirements on a sweep with a `scheduler`."""
    custom: Schema = {"const": "custom"}
    others = [engine for engine in ENGINES if engine not in _CUSTOM_ENGINES]
    foreign = any_of(
        _has_engine(_FOREIGN_ENGINES), all_of(_has_engine(ENGINES), {"properties": {"method": custom}})
    )
    lacking = {
        "early_terminate": {"type": "null"},
        "controller": {"not": {"properties": {"type": {"const": "local"}}}},
    }
    return [
        {"if": _has_engine(["ax"]), "then": {"properties": {"method": custom}}},
        where("method", custom, {"not": _has_engine(others)}),
        {"if": foreign, "then": {"properties": lacking}},
    ]


def _has_engine(names: Collection[str]) -> Schema:
    """Return the schema of a sweep with one of these engines."""
    engine: Schema = {**needs("engine"), "properties": {"engine": choice(names)}}
    return {**needs("scheduler"), "properties": {"scheduler": engine}}
