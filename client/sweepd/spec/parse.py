"""Parser of sweep files and Python mappings into a `SweepSpec` with findings."""

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Final

from sweepd.name_part import LEGAL_PART, as_part
from sweepd.spec.check_command import check_command
from sweepd.spec.check_space import check_conditions, check_feasible, check_points, check_shuffle
from sweepd.spec.distributions.discrete import Categorical, Constant, WeightedCategorical
from sweepd.spec.finding import NOT_SUPPORTED_YET, Diagnostic, Findings, Place, TooManyErrorsError
from sweepd.spec.keys.parameters import parameter_entries
from sweepd.spec.keys.shape import read_keys
from sweepd.spec.keys.sweep import ALL_KEYS, SWEEP, UNSUPPORTED, WITHOUT_EFFECT, to_document
from sweepd.spec.keys.unsupported import read_unsupported
from sweepd.spec.limits import LONGEST_NUMBER, MAX_POINT_BYTES, MAX_SPEC_BYTES
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.loader import load_mapping, load_text
from sweepd.spec.loading.tree import MappingNode, SequenceNode, place_of
from sweepd.spec.point import (
    Group,
    Parameter,
    ParameterNode,
    Point,
    canonical_json,
    dotted,
    is_number,
    leaves,
)
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec
from sweepd.spec.wording import shown

PLACING_KEYS: Final = ("project", "entity")


@dataclass(frozen=True, slots=True)
class Parsed:
    """Specification parsed from a file, and the findings about the file.

    `unsupported` lists the keys and values that are not supported yet. `spec` is None if and only if there
    are such keys or values, or errors: no invalid or unsupported part of a file is ignored.
    """

    spec: SweepSpec | None
    diagnostics: tuple[Diagnostic, ...]
    unsupported: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[Diagnostic, ...]:
        """The findings that prevent a `spec`; empty if there is a `spec`."""
        return tuple(
            finding
            for finding in self.diagnostics
            if finding.severity == "error" or finding.code == NOT_SUPPORTED_YET
        )


def parse_text(content: bytes, *, file: str, placing: Collection[str] = PLACING_KEYS) -> Parsed:
    """Parse the bytes of a YAML or JSON file.

    Args:
        content: the file.
        file: its name in messages.
        placing: which of the keys `project` and `entity` decide where the sweep is created; their values are
            converted to legal names, with a warning if changed.
    """
    findings = Findings(file)
    return _parsed(lambda: load_text(content, findings), findings, placing)


def parse_mapping(
    document: Mapping[str, object], *, file: str = "config", placing: Collection[str] = ()
) -> Parsed:
    """Parse a Python mapping with the keys of a sweep file; findings have no line numbers."""
    findings = Findings(file)
    return _parsed(lambda: load_mapping(document, findings), findings, placing)


def _parsed(load: Callable[[], MappingNode | None], findings: Findings, placing: Collection[str]) -> Parsed:
    spec: SweepSpec | None = None
    unsupported: tuple[str, ...] = ()
    with suppress(TooManyErrorsError):
        root = load()
        if root is not None:
            fields = Fields(root, "", root.place, findings)
            unsupported = read_unsupported(fields, UNSUPPORTED)
            spec = _read_sweep(fields, placing)
    if unsupported or findings.has_errors:
        spec = None
    return Parsed(spec, findings.in_order(), unsupported)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """Values to check before a specification is built."""

    method: SearchMethod | None = None
    parameters: Mapping[str, ParameterNode] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    zips: tuple[tuple[str, ...], ...] = ()
    runs: tuple[Point, ...] = ()


def _read_sweep(sweep: Fields, placing: Collection[str]) -> SweepSpec | None:
    """Return the specification, or None if errors or an unsupported method prevent it."""
    sweep.check_keys([key.name for key in ALL_KEYS], "a sweep file")
    values = read_keys(sweep, SWEEP)
    values |= _legal_names(sweep, values, placing)
    read_keys(sweep, WITHOUT_EFFECT)
    build_draft: Callable[..., _Draft] = _Draft
    draft = build_draft(**{each.name: values[each.name] for each in fields(_Draft) if each.name in values})
    _check_sweep(sweep, draft.method, draft.parameters)
    # With `method: list`, `parameters` may be omitted: the names are then those in the points.
    listed = {name: value for point in draft.runs for name, value in point.items()}
    check_command(sweep, draft.command, draft.parameters or listed)
    if not sweep.findings.has_errors:
        check_conditions(sweep, draft.parameters, draft.constraints, draft.zips)
    if draft.method is None or sweep.findings.has_errors:
        return None
    if values.get("repeats", 1) == 1:
        values.pop("aggregate", None)  # a point with one run has nothing to aggregate
    build: Callable[..., SweepSpec] = SweepSpec
    spec = build(**{"parameters": {}, **values})
    _check_size(sweep, spec)
    check_points(sweep, spec.method, spec.search_space, {"initial": spec.initial, "runs": spec.runs})
    if not sweep.findings.has_errors:
        check_shuffle(sweep, spec)
    if spec.constraints and not spec.method.listed:
        check_feasible(sweep, spec.search_space, spec.method, shuffle=spec.shuffle)
    return spec


def _check_size(sweep: Fields, spec: SweepSpec) -> None:
    """Record an error if the sweep, with aliases expanded, does not fit into a message."""
    size = len(json.dumps(to_document(spec), ensure_ascii=False).encode())
    if size > MAX_SPEC_BYTES:
        expanded = f"the sweep has {size:,} bytes with its aliases expanded"
        sweep.error("too-large", f"{expanded}; at most {MAX_SPEC_BYTES:,} are allowed")


def _legal_names(fields: Fields, values: Mapping[str, object], placing: Collection[str]) -> dict[str, str]:
    """Return legal forms of the values of the keys in `placing`.

    Other products allow any characters in the names of projects and entities. A file with such a name is
    accepted, with a warning that shows the legal name.
    """
    named = ((key, values.get(key)) for key in PLACING_KEYS if key in placing)
    placed = {key: name for key, name in named if isinstance(name, str)}
    ours = {key: as_part(name) for key, name in placed.items()}
    for key, name in placed.items():
        if not ours[key]:
            message = (
                f"{shown(name)} has no character that is valid in a name; write {LEGAL_PART}, or pass --{key}"
            )
            fields.error("bad-name", message, key=key)
    changed = [key for key, name in placed.items() if name != ours[key]]
    if changed and all(ours.values()):
        where = (
            f'"{ours["entity"]}/{ours["project"]}"'
            if len(ours) == len(PLACING_KEYS)
            else f'the {changed[0]} "{ours[changed[0]]}"'
        )
        fields.warning(
            "changed-name", f"the sweep will be created in {where}: names have {LEGAL_PART}", key=changed[0]
        )
    return ours


def _check_sweep(
    fields: Fields, method: SearchMethod | None, parameters: Mapping[str, ParameterNode]
) -> None:
    """Record errors that involve several keys."""
    _check_space(fields, method)
    _check_metric(fields, method)
    _check_method_keys(fields, method)
    _check_counts(fields)
    entries = dict(parameter_entries(fields.node_at("parameters")))
    placed = [(f"parameters.{dotted(path)}", entries[path].place, leaf) for path, leaf in leaves(parameters)]
    if method is not None and method.check is not None:
        places = {path: place for path, place, _ in placed}
        for found in method.check([(path, leaf) for path, _, leaf in placed]):
            place = places.get(found.path) or place_of(fields.node, (found.path,))
            fields.findings.error(place, found.path, found.code, found.message)
    size = _largest_point(parameters)
    if size > MAX_POINT_BYTES:
        reach = f"the parameters of one run can reach {size:,} bytes of JSON"
        message = f"{reach}; at most {MAX_POINT_BYTES:,} are allowed"
        fields.error("point-too-large", message, key="parameters")
    _check_ambiguous(fields, placed)


def _check_space(fields: Fields, method: SearchMethod | None) -> None:
    scheduler = fields.node_at("scheduler")
    has_space = isinstance(scheduler, MappingNode) and "search_space" in scheduler
    if "parameters" not in fields and not (method and method.listed) and not has_space:
        fields.error("missing-key", "needs `parameters`, the space to search")


def _check_metric(fields: Fields, method: SearchMethod | None) -> None:
    if "metric" in fields or "metrics" in fields:
        return
    if method is not None and method.learns:
        fields.error("missing-key", f"{method.name} needs a `metric` to optimise", key="method")
    if fields.is_set("early_terminate"):
        fields.error("missing-key", "early termination needs a `metric` to judge by", key="early_terminate")
    if fields.scalar("canary") is True:
        fields.error("missing-key", "canary needs a `metric` to wait for", key="canary")
    if "aggregate" in fields:
        fields.error("missing-key", "aggregate needs a `metric` to combine", key="aggregate")


def _check_method_keys(fields: Fields, method: SearchMethod | None) -> None:
    """Record an error for each key that applies only to other methods."""
    if method is None:
        return
    if not method.on_grid and fields.scalar("shuffle") is True:
        message = f"is only for `method: grid`; {method.name} has no order to shuffle"
        fields.error("wrong-method", message, key="shuffle")
    if method.listed:
        fields.need("runs", ", the points to run")
        if "initial" in fields:
            message = "cannot be used with `method: list`; put these points first in `runs`"
            fields.error("wrong-method", message, key="initial")
    elif "runs" in fields:
        message = "is only for `method: list`; points that run first go under `initial`"
        fields.error("wrong-method", message, key="runs")


def _check_counts(fields: Fields) -> None:
    """Check that `aggregate` has several runs to combine and `run_cap` suffices for the listed points."""
    run_cap, repeats = _count(fields, "run_cap"), _count(fields, "repeats") or 1
    if "aggregate" in fields and "repeats" not in fields:
        fields.error("missing-key", "needs `repeats`, the number of runs of each point", key="aggregate")
    elif "aggregate" in fields and _count(fields, "repeats") == 1:
        place = fields.node.entries["aggregate"].place
        fields.findings.warning(place, "aggregate", "no-effect", "has no effect on points of one run")
    if run_cap is None:
        return
    place = fields.node.entries["run_cap"].node.place
    if run_cap % repeats:
        message = f"{run_cap} is not a multiple of {repeats} repeats: the last point gets fewer runs"
        fields.findings.warning(place, "run_cap", "uneven-repeats", message)
    for key in ("initial", "runs"):
        points = fields.node_at(key)
        asked = len(points.items) * repeats if isinstance(points, SequenceNode) else 0
        if asked > run_cap:
            message = f"{run_cap} runs are fewer than the {asked} that `{key}` asks for"
            fields.findings.warning(place, "run_cap", "cut-off", message)


def _count(fields: Fields, key: str) -> int | None:
    value = fields.scalar(key)
    return int(value) if is_number(value) and 1 <= value < 2**63 else None


def _check_ambiguous(fields: Fields, placed: list[tuple[str, Place | None, Parameter]]) -> None:
    """Warn if a dotted name and a group give two parameters the same dotted path."""
    seen: set[str] = set()
    for path, place, _ in placed:
        if path in seen:
            message = (
                "another parameter has the same dotted name: columns and flat arguments would be ambiguous"
            )
            fields.findings.warning(place, path, "ambiguous-name", message)
        seen.add(path)


def _largest_point(parameters: Mapping[str, ParameterNode]) -> int:
    """Return the size of the largest point as canonical JSON, in bytes."""
    total = 2
    for name, node in parameters.items():
        total += len(canonical_json(name)) + 2
        total += _largest_point(node.parameters) if isinstance(node, Group) else _largest_value(node)
    return total


def _largest_value(parameter: Parameter) -> int:
    match parameter.distribution:
        case Constant(value=value):
            return len(canonical_json(value))
        case Categorical(values=values) | WeightedCategorical(values=values):
            return max(len(canonical_json(value)) for value in values)
        case _:
            return LONGEST_NUMBER
