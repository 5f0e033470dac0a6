"""What can be asked of sweeps, written once for both clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from sweepd import v1
from sweepd.calls import CALL_SECONDS, PAGE, PRIOR_SECONDS, new_request_id
from sweepd.codec import CodecError, point_message
from sweepd.errors import InvalidError, NotFoundError
from sweepd.objects import methods
from sweepd.objects.definition import Definition
from sweepd.objects.pages import pages
from sweepd.objects.states import run_states, sweep_states
from sweepd.objects.wire import Wire
from sweepd.spec.point import Json

K = TypeVar("K")
_MOST_BYTES = 4_000_000
"""What fits into a call; of a larger sweep the file, which is for display only, is left out."""


async def create(
    wire: Wire,
    definition: Definition,
    *,
    sweep_id: str,
    request_id: str,
    prior_runs: v1.PriorRunSelection | None,
) -> v1.CreateSweepResponse:
    """Create a sweep from a definition that has been read and placed."""
    fits = definition.message.ByteSize() + len(definition.content) <= _MOST_BYTES
    file = v1.SweepFile(file_name=definition.file_name, content=definition.content)
    request = v1.CreateSweepRequest(
        parent=definition.parent,
        sweep_id=sweep_id,
        spec=definition.message,
        source=file if fits and definition.content else None,
        request_id=request_id or new_request_id(),
        prior_runs=prior_runs,
    )
    seconds = CALL_SECONDS if prior_runs is None else PRIOR_SECONDS
    return await wire.one(methods.CREATE_SWEEP, request, seconds=seconds)


async def get(wire: Wire, text: str) -> v1.Sweep:
    """Return a sweep by its full name, project/id or id."""
    return (await wire.one(methods.GET_SWEEP, v1.GetSweepRequest(name=await full_name(wire, text)))).sweep


async def full_name(wire: Wire, text: str) -> str:
    """Return the full name of the sweep that `text` means.

    Raises:
        InvalidError: it is no name, or may be several.
        NotFoundError: it is none that there is; a full name is not looked up.
    """
    parts = text.split("/")
    if not all(parts) or len(parts) > 3:
        raise InvalidError(f"no name of a sweep: {text!r}; write ID, PROJECT/ID or ENTITY/PROJECT/ID")
    if len(parts) == 3:
        return text
    names = [sweep.name async for sweep in list_all(wire) if f"/{sweep.name}".endswith(f"/{text}")]
    if not names:
        raise NotFoundError(f"no sweep named {text}", code="NOT_FOUND", reason="no-such-name")
    if len(names) > 1:
        raise InvalidError(f"{text} may be several: {', '.join(sorted(names))}; write the full name")
    return names[0]


async def list_all(
    wire: Wire, *, entity: str | None = None, project: str | None = None, states: str | Sequence[str] = ()
) -> AsyncGenerator[v1.Sweep, None]:
    """Yield sweeps, newest first, a page at a time as they are read."""
    # The server knows no project without its entity: one of any entity is found here.
    parent = f"{entity}/{project}" if entity and project else entity or ""
    request = v1.ListSweepsRequest(parent=parent, states=sweep_states(states), page_size=PAGE)
    async with aclosing(pages(wire, methods.LIST_SWEEPS, request)) as found:
        async for page in found:
            for sweep in page.sweeps:
                if not project or sweep.name.split("/")[1] == project:
                    yield sweep


async def pause(wire: Wire, name: str) -> v1.Sweep:
    """Hand out nothing until it is resumed."""
    request = v1.PauseSweepRequest(name=name, request_id=new_request_id())
    return (await wire.one(methods.PAUSE_SWEEP, request)).sweep


async def resume(wire: Wire, name: str) -> v1.Sweep:
    """Hand out again."""
    request = v1.ResumeSweepRequest(name=name, request_id=new_request_id())
    return (await wire.one(methods.RESUME_SWEEP, request)).sweep


async def stop(wire: Wire, name: str) -> v1.Sweep:
    """Hand out no more runs."""
    request = v1.StopSweepRequest(name=name, request_id=new_request_id())
    return (await wire.one(methods.STOP_SWEEP, request)).sweep


async def cancel(wire: Wire, name: str) -> v1.Sweep:
    """Hand out no more runs and kill the live ones."""
    request = v1.CancelSweepRequest(name=name, request_id=new_request_id())
    return (await wire.one(methods.CANCEL_SWEEP, request)).sweep


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
    request = v1.UpdateSweepRequest(
        sweep=v1.Sweep(name=name, spec=spec),
        update_mask=FieldMask(paths=[f"spec.{field}" for field in changes]),
        request_id=new_request_id(),
    )
    return (await wire.one(methods.UPDATE_SWEEP, request)).sweep


async def enqueue(wire: Wire, name: str, params: Mapping[str, Json], *, first: bool) -> list[v1.Run]:
    """Add the runs of a point."""
    try:
        point = point_message(dict(params), "")
    except CodecError as error:
        raise InvalidError(f"no point: {error.field.lstrip('.')}: {error.why}") from error
    request = v1.EnqueueRunRequest(sweep=name, parameters=point, first=first, request_id=new_request_id())
    return list((await wire.one(methods.ENQUEUE_RUN, request)).runs)


async def retry(wire: Wire, name: str, states: str | Sequence[str]) -> int:
    """Hand the runs of a sweep that ended in one of these states out again; return how many."""
    request = v1.RetryRunsRequest(sweep=name, states=run_states(states), request_id=new_request_id())
    return (await wire.one(methods.RETRY_RUNS, request)).total


async def explain(wire: Wire, name: str) -> list[str]:
    """Return what keeps runs from being handed out, the most important first."""
    answer = await wire.one(methods.EXPLAIN_SWEEP, v1.ExplainSweepRequest(name=name))
    return [obstacle.message for obstacle in answer.obstacles]


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
