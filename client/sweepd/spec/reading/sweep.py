"""Reader of sweep files: from the mapping of a file to a `SweepSpec`."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields

from sweepd.spec.keys.shape import read_keys
from sweepd.spec.keys.sweep import ALL_KEYS, SWEEP, WITHOUT_EFFECT, to_document
from sweepd.spec.limits import MAX_SPEC_BYTES
from sweepd.spec.loading.fields import Fields
from sweepd.spec.parameter import ParameterNode
from sweepd.spec.point import Point
from sweepd.spec.reading.check_command import check_command
from sweepd.spec.reading.check_space import check_conditions, check_feasible, check_points, check_shuffle
from sweepd.spec.reading.placing import legal_names
from sweepd.spec.reading.sweep_rules import check_sweep
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """Values that are checked before there is a specification."""

    method: SearchMethod | None = None
    parameters: Mapping[str, ParameterNode] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    zips: tuple[tuple[str, ...], ...] = ()
    runs: tuple[Point, ...] = ()


def read_sweep(sweep: Fields, placing: Collection[str]) -> SweepSpec | None:
    """Return what the file says, None if anything in it is an error; all of it is recorded."""
    sweep.check_keys([key.name for key in ALL_KEYS], "a sweep file")
    values = read_keys(sweep, SWEEP)
    values |= legal_names(sweep, values, placing)
    read_keys(sweep, WITHOUT_EFFECT)
    build_draft: Callable[..., _Draft] = _Draft
    draft = build_draft(**{each.name: values[each.name] for each in fields(_Draft) if each.name in values})
    check_sweep(sweep, draft.method, draft.parameters)
    # A list may leave `parameters` out: then its points name them.
    listed = {name: value for point in draft.runs for name, value in point.items()}
    check_command(sweep, draft.command, draft.parameters or listed)
    if not sweep.findings.has_errors:
        check_conditions(sweep, draft.parameters, draft.constraints, draft.zips)
    if draft.method is None or sweep.findings.has_errors:
        return None
    if values.get("repeats", 1) == 1:
        values.pop("aggregate", None)  # there is nothing to combine
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
    """Refuse what would not fit into a message once its aliases are expanded."""
    size = len(json.dumps(to_document(spec), ensure_ascii=False).encode())
    if size > MAX_SPEC_BYTES:
        expanded = f"the sweep has {size:,} bytes with its aliases expanded"
        sweep.error("too-large", f"{expanded}; at most {MAX_SPEC_BYTES:,} are kept")
