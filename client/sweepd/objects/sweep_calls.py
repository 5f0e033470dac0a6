"""What the objects ask of sweeps beyond the plain calls, written once for both clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from sweepd import v1
from sweepd.calls import runs, sweeps
from sweepd.calls.states import run_states, sweep_states
from sweepd.calls.wire import Wire
from sweepd.codec import CodecError, point_message
from sweepd.errors import InvalidError
from sweepd.objects.definition import Definition
from sweepd.spec.point import Json

K = TypeVar("K")


async def create(
    wire: Wire,
    definition: Definition,
    *,
    sweep_id: str,
    request_id: str,
    prior_runs: v1.PriorRunSelection | None,
) -> v1.CreateSweepResponse:
    """Create a sweep from a definition that has been read and placed."""
    file = v1.SweepFile(file_name=definition.file_name, content=definition.content)
    return await sweeps.create(
        wire,
        definition.parent,
        definition.message,
        prior_runs=prior_runs,
        source=file if definition.content else None,
        sweep_id=sweep_id,
        request_id=request_id,
    )


async def list_all(
    wire: Wire, *, entity: str | None = None, project: str | None = None, states: str | Sequence[str] = ()
) -> AsyncGenerator[v1.Sweep, None]:
    """Yield sweeps, newest first, a page at a time as they are read."""
    # The server knows no project without its entity: one of any entity is found here.
    parent = f"{entity}/{project}" if entity and project else entity or ""
    async with aclosing(sweeps.list_of(wire, parent, sweep_states(states))) as found:
        async for sweep in found:
            if not project or sweep.name.split("/")[1] == project:
                yield sweep


async def edit(wire: Wire, name: str, changes: Mapping[str, object]) -> v1.Sweep:
    """Give fields of the specification new values; None: the default of the field."""
    if not changes:
        raise InvalidError("nothing is to be changed: name run_cap, name, description, tags or metadata")
    spec = v1.SweepSpec()
    try:
        for field, value in changes.items():
            _set(spec, field, value)
    except CodecError as error:
        raise InvalidError(f"not to be kept: {error.field}: {error.why}") from error
    except (TypeError, ValueError) as error:
        raise InvalidError(f"not to be changed to that: {error}") from error
    mask = FieldMask(paths=[f"spec.{field}" for field in changes])
    return await sweeps.update(wire, v1.Sweep(name=name, spec=spec), mask)


async def enqueue(wire: Wire, name: str, params: Mapping[str, Json], *, first: bool) -> list[v1.Run]:
    """Add the runs of a point."""
    try:
        point = point_message(dict(params), "")
    except CodecError as error:
        raise InvalidError(f"no point: {error.field.lstrip('.')}: {error.why}") from error
    return await runs.enqueue(wire, name, point, first=first)


async def retry(wire: Wire, name: str, states: str | Sequence[str]) -> int:
    """Hand the runs of a sweep that ended in one of these states out again; return how many."""
    return (await runs.retry(wire, sweep=name, states=run_states(states))).total


async def explain(wire: Wire, name: str) -> list[str]:
    """Return what keeps runs from being handed out, the most important first."""
    return [obstacle.message for obstacle in (await sweeps.explain(wire, name)).obstacles]


def _set(spec: v1.SweepSpec, field: str, value: object) -> None:
    if value is None:
        return
    match field:
        case "run_cap":
            spec.run_cap = _typed(value, int)
        case "name":
            spec.name = _typed(value, str)
        case "description":
            spec.description = _typed(value, str)
        case "tags":
            spec.tags.extend([_typed(tag, str) for tag in _typed(value, list)])
        case _:
            spec.metadata.CopyFrom(point_message(_typed(value, dict), "metadata"))


def _typed(value: object, kind: type[K]) -> K:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
