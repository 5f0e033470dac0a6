"""Arguments of the methods of both clients: configurations, servers, time limits, edits."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from sweepd import v1
from sweepd.calls import names, sweeps
from sweepd.calls.sweep_file import Overrides, SweepText, parent_of, placing, read_sweep, text_of
from sweepd.calls.wire import Wire
from sweepd.codec.spec import spec_message
from sweepd.codec.values import CodecError
from sweepd.durations import parse_duration
from sweepd.errors import InvalidError, NotFoundError, invalid, no_server
from sweepd.rpc.discovery import NoContextError, NoServerError, Target, resolve
from sweepd.spec.parse import parse_mapping, parse_text
from sweepd.spec.wording import unbounded_sentence
from sweepd.views.run import RunRecord

_MAX_REPORTED = 20


class SweepWarning(UserWarning):
    """Warning about a configuration that is valid, but probably not intended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Checked definition of a sweep that will be created."""

    parent: str
    message: v1.SweepSpec
    file_name: str
    content: bytes
    """Content of the sweep file; empty without a file."""


def define(
    config: Mapping[str, object] | str | os.PathLike[str],
    *,
    entity: str | None,
    project: str | None,
    name: str | None,
    program: str | None,
    environ: Mapping[str, str] = os.environ,
) -> Definition:
    """Read and check a configuration; the other arguments take precedence over the values in it.

    Text with a line break is the content of a sweep file, other text is the path of one.

    Raises:
        InvalidError: the configuration has errors; the message lists all of them.
    """
    overrides = Overrides(name=name, program=program, project=project, entity=entity)
    text = _text(config, placing(overrides, environ))
    if text.spec is None:
        raise _invalid_file(text)
    warn(map(str, text.diagnostics), stacklevel=4)
    spec = overrides.applied(text.spec)
    try:
        return Definition(
            parent=parent_of(spec, overrides, environ),
            message=spec_message(spec),
            file_name=os.path.basename(text.file_name),  # noqa: PTH119
            content=text.content,
        )
    except CodecError as error:
        raise InvalidError(str(error)) from error


async def create(
    wire: Wire,
    definition: Definition,
    *,
    sweep_id: str,
    request_id: str,
    prior_runs: Sequence[str | RunRecord],
) -> tuple[v1.Sweep, list[str]]:
    """Create a sweep from its definition; return the sweep and warnings.

    The warnings report prior runs that are left out, and an unbounded sweep.
    """
    if isinstance(prior_runs, str):
        raise InvalidError(f"prior_runs must be a list of runs, not the text {prior_runs!r}")
    texts = [each if isinstance(each, str) else each.name for each in prior_runs]
    selection = v1.PriorRunSelection(runs=await names.run_names(wire, texts)) if texts else None
    file = v1.SweepFile(file_name=definition.file_name, content=definition.content)
    answer = await sweeps.create(
        wire,
        definition.parent,
        definition.message,
        prior_runs=selection,
        source=file if definition.content else None,
        sweep_id=sweep_id,
        request_id=request_id,
    )
    created = answer.sweep
    unbounded_warning = [] if created.HasField("planned_runs") else [unbounded_sentence(created.name)]
    return created, [*_skipped_runs(answer.prior_runs), *unbounded_warning]


def warn(sentences: Iterable[str], *, stacklevel: int) -> None:
    """Issue warnings; `stacklevel` is 2 for the caller of this function, 3 for the caller's caller."""
    for sentence in sentences:
        warnings.warn(sentence, SweepWarning, stacklevel=stacklevel)


def _text(config: Mapping[str, object] | str | os.PathLike[str], placed: tuple[str, ...]) -> SweepText:
    if isinstance(config, Mapping):
        return text_of(parse_mapping(config, placing=placed), "config")
    if isinstance(config, str) and "\n" in config:
        content = config.encode("utf-8", "surrogatepass")
        return text_of(parse_text(content, file="config", placing=placed), "config.yaml", content)
    return read_sweep(os.fspath(config), placing=placed)


def _invalid_file(text: SweepText) -> InvalidError:
    return InvalidError(
        "\n".join([text.refusal().message, *map(str, text.diagnostics)]),
        code="INVALID_ARGUMENT",
        reason="invalid-sweep",
        diagnostics=text.diagnostics,
    )


def _skipped_runs(report: v1.PriorRunReport) -> list[str]:
    notes = [
        f"prior run {each.run} is left out: {each.reason}" for each in report.unsuitable_runs[:_MAX_REPORTED]
    ]
    more = report.unsuitable - len(notes)
    return [*notes, f"{more:,} more prior runs are left out"] if more else notes


class Unchanged:
    """Sentinel for a value that an edit leaves unchanged."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()


def seconds_of(timeout: float | str | None) -> float | None:
    """Return a time limit in seconds from a number or text such as `10m`; None: no limit.

    Raises:
        InvalidError: the argument is not a time limit.
    """
    if timeout is None:
        return None
    try:
        seconds = parse_duration(timeout) if isinstance(timeout, str) else float(timeout)
    except (TypeError, ValueError) as error:
        raise InvalidError(f"invalid time limit: {error}") from error
    if not seconds >= 0:
        raise InvalidError(f"invalid time limit: {timeout!r}")
    return seconds if isfinite(seconds) else None


def target(address: str | None, token: str | None, environ: Mapping[str, str] = os.environ) -> Target:
    """Return the address and token of the server; those not given are the ones that `sweepctl` uses.

    Raises:
        UnreachableError: no server is known.
        NotFoundError: the selected context does not exist.
    """
    try:
        found = resolve(address, environ)
    except NoContextError as error:
        message = f"there is no context {error.name}"
        raise NotFoundError(message, code="NOT_FOUND", next_step=error.next_step) from error
    except NoServerError as error:
        raise no_server(error) from error
    return found if token is None else Target(found.address, token)


def changes_of(**given: object) -> dict[str, object]:
    """Return the arguments of an edit that are not UNCHANGED.

    Raises:
        InvalidError: all arguments are UNCHANGED.
    """
    changes = {field: value for field, value in given.items() if not isinstance(value, Unchanged)}
    if not changes:
        raise invalid(f"nothing to change: pass {', '.join([*given][:-1])} or {[*given][-1]}")
    return changes
