"""Reads the mapping of a sweep file, key by key, into a `SweepSpec`."""

import json
from collections.abc import Collection, Mapping

from sweepd.spec.document import to_document
from sweepd.spec.limits import INT64_MIN, MAX_CONSTRAINTS, MAX_SPEC_BYTES
from sweepd.spec.parameter import ParameterNode
from sweepd.spec.point import Point
from sweepd.spec.reading.check_shuffle import check_shuffle
from sweepd.spec.reading.check_space import check_conditions, check_feasible, check_points
from sweepd.spec.reading.command import check_command, read_command
from sweepd.spec.reading.early_terminate import read_early_terminate
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.keys import KEYS, LATER_KEYS, LATER_METHODS, TEXT_KEYS
from sweepd.spec.reading.metric import read_metric
from sweepd.spec.reading.nodes import MappingNode, ScalarNode
from sweepd.spec.reading.parameters import ParametersReader
from sweepd.spec.reading.placing import PLACING_KEYS, read_placing
from sweepd.spec.reading.points import read_points, read_zips
from sweepd.spec.reading.settings import read_settings
from sweepd.spec.reading.sweep_rules import check_sweep
from sweepd.spec.sweep_spec import Method, SweepSpec
from sweepd.spec.wording import shown


def read_sweep(fields: Fields, placing: Collection[str]) -> SweepSpec | None:
    """Return what the file says, None if anything in it is an error; all of it is recorded."""
    fields.check_keys((*KEYS, *LATER_KEYS), "a sweep file")
    texts = read_placing(fields, placing) | {
        key: fields.text(
            key, blank_allowed=key == "description" or (key == "name" and _is_empty(fields, key))
        )
        for key in TEXT_KEYS
        if key not in PLACING_KEYS
    }
    texts["name"] = texts["name"] or None
    _check_without_effect(fields)
    method = _method(fields)
    metric, rules = read_metric(fields), read_early_terminate(fields)
    run_cap, seed = fields.integer("run_cap", 1), fields.integer("seed", INT64_MIN)
    shuffle = fields.boolean("shuffle") or False
    settings = read_settings(fields)
    parameters = _parameters(fields, method)
    constraints, zips = _constraints(fields), read_zips(fields)
    initial, runs = read_points(fields, "initial"), read_points(fields, "runs")
    command = read_command(fields)
    check_sweep(fields, method, parameters)
    # A list may leave `parameters` out: then its points name them.
    check_command(
        fields, command, parameters or {name: node for point in runs.values() for name, node in point.items()}
    )
    if not fields.findings.has_errors:
        check_conditions(fields, parameters, constraints, tuple(zips.values()))
    if method is None or fields.findings.has_errors:
        return None
    spec = SweepSpec(
        method=method,
        parameters=parameters,
        command=command,
        metric=metric,
        early_terminate=rules,
        run_cap=run_cap,
        seed=seed,
        constraints=constraints,
        zips=tuple(zips.values()),
        initial=tuple(initial.values()),
        runs=tuple(runs.values()),
        shuffle=shuffle,
        repeats=settings.repeats,
        aggregate=settings.aggregate,
        retry=settings.retry,
        guard=settings.guard,
        canary=settings.canary,
        sweep_timeout=settings.sweep_timeout,
        requires=settings.requires,
        tags=settings.tags,
        metadata=settings.metadata,
        compat=settings.compat,
        metrics_from=settings.metrics_from,
        **texts,
    )
    _check_size(fields, spec)
    _check_space(fields, spec, {"initial": initial, "runs": runs})
    return spec


def _is_empty(fields: Fields, key: str) -> bool:
    """Tell whether a key has the empty text, by which a file may say that there is none."""
    node = fields.node_at(key)
    return isinstance(node, ScalarNode) and node.value == ""


def _method(fields: Fields) -> Method | None:
    """Return the method; one that comes later was spoken of before."""
    legal = [method.value for method in Method]
    fields.need("method", f": {', '.join(legal[:-1])} or {legal[-1]}")
    node = fields.node_at("method")
    if isinstance(node, ScalarNode) and node.value in LATER_METHODS:
        return None
    return fields.choice("method", Method)


def _parameters(fields: Fields, method: Method | None) -> dict[str, ParameterNode]:
    entry = fields.node.entries.get("parameters")
    if entry is not None:
        return ParametersReader(fields.findings).read(entry, "parameters")
    scheduler = fields.node_at("scheduler")
    has_space = isinstance(scheduler, MappingNode) and "search_space" in scheduler
    if method is not Method.LIST and not has_space:
        fields.error("missing-key", "needs `parameters`, the space to search")
    return {}


def _constraints(fields: Fields) -> tuple[str, ...]:
    constraints = fields.texts("constraints", "a list of expressions")
    if len(constraints) > MAX_CONSTRAINTS:
        message = f"{len(constraints):,} expressions; at most {MAX_CONSTRAINTS} are checked for every point"
        fields.error("out-of-range", message, key="constraints")
    return tuple(constraints.values())


def _check_size(fields: Fields, spec: SweepSpec) -> None:
    """Refuse what would not fit into a message once its aliases are expanded."""
    size = len(json.dumps(to_document(spec), ensure_ascii=False).encode())
    if size > MAX_SPEC_BYTES:
        message = (
            f"the sweep has {size:,} bytes with its aliases expanded; at most {MAX_SPEC_BYTES:,} are kept"
        )
        fields.error("too-large", message)


def _check_space(fields: Fields, spec: SweepSpec, listed: Mapping[str, Mapping[int, Point]]) -> None:
    space = spec.search_space
    check_points(fields, spec.method, space, listed)
    if not fields.findings.has_errors:
        check_shuffle(fields, spec)
    if spec.constraints and spec.method is not Method.LIST:
        check_feasible(fields, space, spec.method, shuffle=spec.shuffle)


def _check_without_effect(fields: Fields) -> None:
    for key in ("apiVersion", "job", "image_uri"):
        fields.text(key, blank_allowed=True)
    kind = fields.text("kind")
    if kind is not None and kind != "sweep":
        fields.error("unknown-value", f"must be sweep, not {shown(kind)}", key="kind", suggestion="sweep")
