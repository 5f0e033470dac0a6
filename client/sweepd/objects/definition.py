"""Reading what a sweep is to be made of: a mapping, the text of a file, or the path of one."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweepd import v1
from sweepd.calls.placement import parent_of, placing
from sweepd.calls.sweep_file import Overrides, SweepText, read_sweep, text_of
from sweepd.codec import CodecError, spec_message
from sweepd.errors import InvalidError
from sweepd.spec import parse_mapping, parse_text
from sweepd.unbounded import unbounded_sentence


class SweepWarning(UserWarning):
    """Something in a configuration is legal, but probably not meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A sweep that is ready to be created."""

    parent: str
    message: v1.SweepSpec
    file_name: str
    content: bytes
    """The file as written; empty if there is none."""


def define(
    config: Mapping[str, object] | str | os.PathLike[str],
    *,
    entity: str | None,
    project: str | None,
    name: str | None,
    program: str | None,
    environ: Mapping[str, str] = os.environ,
) -> Definition:
    """Read and check a configuration; the words beside it stand before its own.

    A text with a line break is the content of a file, another one its path.

    Raises:
        InvalidError: it has errors; all of them are listed.
    """
    overrides = Overrides(name=name, program=program, project=project, entity=entity)
    text = _text(config, placing(overrides, environ))
    if text.spec is None:
        raise _refusal(text)
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


def unbounded(created: v1.Sweep) -> list[str]:
    """Return a warning for a sweep that has no end of its own."""
    return [] if created.HasField("planned_runs") else [unbounded_sentence(created.name)]


def warn(sentences: Iterable[str], *, stacklevel: int) -> None:
    """Warn of each; `stacklevel` is 2 for the line that calls this, 3 for that of its caller."""
    for sentence in sentences:
        warnings.warn(sentence, SweepWarning, stacklevel=stacklevel)


def _text(config: Mapping[str, object] | str | os.PathLike[str], placed: tuple[str, ...]) -> SweepText:
    if isinstance(config, Mapping):
        return text_of(parse_mapping(config, placing=placed), "config")
    if isinstance(config, str) and "\n" in config:
        content = config.encode("utf-8", "surrogatepass")
        return text_of(parse_text(content, file="config", placing=placed), "config.yaml", content)
    return read_sweep(os.fspath(config), placing=placed)


def _refusal(text: SweepText) -> InvalidError:
    return InvalidError(
        "\n".join([text.refusal().message, *map(str, text.diagnostics)]),
        code="INVALID_ARGUMENT",
        reason="invalid-sweep",
        diagnostics=text.diagnostics,
    )
