"""Calls about sweeps."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from sweepd import v1
from sweepd.calls.wire import CALL_SECONDS, PAGE, Wire, change_state, entries, new_request_id, states_named
from sweepd.codec.values import CodecError, point_message
from sweepd.errors import invalid

K = TypeVar("K")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
PRIOR_SECONDS = 300.0
"""Deadline of calls with prior runs; it is long, because the server first reads all their curves."""
_MAX_BYTES = 4_000_000
"""Maximum size of a create request in bytes; a larger one omits the file, which is for display only."""


def edited(name: str, changes: Mapping[str, object]) -> tuple[v1.Sweep, FieldMask]:
    """Return the sweep `name` with its new values, and the field mask of the changed fields.

    Args:
        name: full name of the sweep.
        changes: new values of `run_cap`, `name`, `description`, `tags`, `metadata`; None resets a field.

    Raises:
        InvalidError: a value does not fit its field.
    """
    spec = v1.SweepSpec()
    try:
        for field, value in changes.items():
            _set(spec, field, value)
    except CodecError as error:
        raise invalid(f"cannot be stored: {error.field}: {error.why}") from error
    except (TypeError, ValueError) as error:
        raise invalid(f"invalid change: {error}") from error
    return v1.Sweep(name=name, spec=spec), FieldMask(paths=[f"spec.{field}" for field in changes])


def _set(spec: v1.SweepSpec, field: str, value: object) -> None:
    if value is None:
        return
    match field:
        case "tags":
            spec.tags.extend([_typed(tag, str) for tag in _typed(value, list)])
        case "metadata":
            spec.metadata.CopyFrom(point_message(_typed(value, dict), "metadata"))
        case _:
            setattr(spec, field, _typed(value, int if field == "run_cap" else str))


def _typed(value: object, kind: type[K]) -> K:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a {kind.__name__}")
    return value


async def create(
    wire: Wire,
    parent: str,
    spec: v1.SweepSpec,
    *,
    prior_runs: v1.PriorRunSelection | None = None,
    source: v1.SweepFile | None = None,
    sweep_id: str = "",
    request_id: str = "",
) -> v1.CreateSweepResponse:
    """Create a sweep in `parent` (entity/project); the response includes a report on the prior runs, if any.

    Raises:
        InvalidError: the id is invalid.
    """
    if sweep_id and not _ID.fullmatch(sweep_id):
        raise invalid(
            f"{sweep_id!r} is not a valid sweep id",
            "an id has 1 to 64 lower-case letters, digits, `_` and `-`, and begins with a letter or digit",
        )
    fits = source is not None and spec.ByteSize() + source.ByteSize() <= _MAX_BYTES
    request = v1.CreateSweepRequest(
        parent=parent,
        sweep_id=sweep_id,
        spec=spec,
        source=source if fits else None,
        request_id=request_id or new_request_id(),
        prior_runs=prior_runs,
    )
    return await wire.one(request, v1.CreateSweepResponse, seconds=_seconds(prior_runs))


async def preview(
    wire: Wire, file: v1.SweepFile, count: int, prior_runs: v1.PriorRunSelection | None = None
) -> v1.PreviewSweepResponse:
    """Return the preview of a sweep file, with prior runs if any are selected."""
    request = v1.PreviewSweepRequest(file=file, count=count, prior_runs=prior_runs)
    return await wire.one(request, v1.PreviewSweepResponse, seconds=_seconds(prior_runs))


async def get(wire: Wire, name: str) -> v1.Sweep:
    """Return a sweep by its full name."""
    return (await wire.one(v1.GetSweepRequest(name=name), v1.GetSweepResponse)).sweep


def list_of(wire: Wire, parent: str = "", states: str | Sequence[str] = ()) -> AsyncGenerator[v1.Sweep, None]:
    """Yield the sweeps of an entity or entity/project, or all, newest first; fetch each page on demand."""
    numbers = states_named(v1.SweepState, states)
    request = v1.ListSweepsRequest(parent=parent, states=numbers, page_size=PAGE)
    return entries(wire, request, v1.ListSweepsResponse, lambda page: page.sweeps)


async def pause(wire: Wire, name: str) -> v1.Sweep:
    """Stop handing out runs of a sweep until it is resumed."""
    return (await change_state(wire, v1.PauseSweepRequest(name=name), v1.PauseSweepResponse)).sweep


async def resume(wire: Wire, name: str) -> v1.Sweep:
    """Resume handing out runs of a sweep."""
    return (await change_state(wire, v1.ResumeSweepRequest(name=name), v1.ResumeSweepResponse)).sweep


async def stop(wire: Wire, name: str) -> v1.Sweep:
    """Stop handing out runs of a sweep; its live runs continue."""
    return (await change_state(wire, v1.StopSweepRequest(name=name), v1.StopSweepResponse)).sweep


async def cancel(wire: Wire, name: str) -> v1.CancelSweepResponse:
    """Stop handing out runs of a sweep, and kill its live runs."""
    return await change_state(wire, v1.CancelSweepRequest(name=name), v1.CancelSweepResponse)


async def update(wire: Wire, sweep: v1.Sweep, mask: FieldMask, *, revision: int = 0) -> v1.Sweep:
    """Change the fields in `mask` if the sweep still has this revision (0: any revision)."""
    request = v1.UpdateSweepRequest(
        sweep=sweep, update_mask=mask, revision=revision, request_id=new_request_id()
    )
    return (await wire.one(request, v1.UpdateSweepResponse)).sweep


async def explain(wire: Wire, name: str) -> v1.ExplainSweepResponse:
    """Return a sweep with the obstacles that keep it from handing out runs."""
    return await wire.one(v1.ExplainSweepRequest(name=name), v1.ExplainSweepResponse)


def progress(wire: Wire, name: str) -> AsyncGenerator[v1.ReadSweepProgressResponse, None]:
    """Yield the values of a sweep's runs, each with the best value so far."""
    return wire.stream(v1.ReadSweepProgressRequest(name=name), v1.ReadSweepProgressResponse)


async def importance(wire: Wire, name: str, key: str) -> v1.Importance:
    """Return the importance of each parameter of a sweep for a key; an empty key means the objective."""
    request = v1.GetSweepImportanceRequest(name=name, key=key)
    return (await wire.one(request, v1.GetSweepImportanceResponse)).importance


def _seconds(prior_runs: v1.PriorRunSelection | None) -> float:
    return CALL_SECONDS if prior_runs is None else PRIOR_SECONDS
