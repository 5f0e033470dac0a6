"""Reading what a sweep is to be made of: a mapping, the text of a file, or the path of one."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sweepd import v1
from sweepd.cli.file_content import read_content
from sweepd.cli.placement import parent_of, placing
from sweepd.cli.sweep_file import Overrides
from sweepd.codec import CodecError, spec_message
from sweepd.errors import InvalidError
from sweepd.spec import Parsed, parse_mapping, parse_text, unreadable_file


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
    parsed, file_name, content = _parsed(config, placing(overrides, environ))
    if parsed.spec is None:
        raise _invalid(parsed, file_name)
    warn(map(str, parsed.diagnostics), stacklevel=4)
    spec = parsed.spec
    spec = replace(spec, name=spec.name if name is None else name, program=program or spec.program)
    try:
        parent = parent_of(spec, overrides, environ)
        return Definition(
            parent=parent,
            message=spec_message(spec),
            file_name=os.path.basename(file_name),  # noqa: PTH119
            content=content,
        )
    except CodecError as error:
        raise InvalidError(str(error)) from error


def warn(sentences: Iterable[str], *, stacklevel: int) -> None:
    """Warn of each; `stacklevel` is 2 for the line that calls this, 3 for that of its caller."""
    for sentence in sentences:
        warnings.warn(sentence, SweepWarning, stacklevel=stacklevel)


def _parsed(
    config: Mapping[str, object] | str | os.PathLike[str], placed: tuple[str, ...]
) -> tuple[Parsed, str, bytes]:
    if isinstance(config, Mapping):
        return parse_mapping(config, placing=placed), "config", b""
    if isinstance(config, str) and "\n" in config:
        content = config.encode("utf-8", "surrogatepass")
        return parse_text(content, file="config", placing=placed), "config.yaml", content
    # A name need not be text: what is none in it is shown as bytes.
    shown = os.fsencode(config).decode(errors="backslashreplace")
    try:
        content = read_content(os.fspath(config))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return Parsed(None, (unreadable_file(shown, reason),)), shown, b""
    return parse_text(content, file=shown, placing=placed), shown, content


def _invalid(parsed: Parsed, file_name: str) -> InvalidError:
    errors = [finding for finding in parsed.diagnostics if finding.severity == "error"]
    told = [str(finding) for finding in parsed.diagnostics]
    if errors:
        head = f"{file_name} is no valid sweep: {len(errors)} error{'s' * (len(errors) != 1)}"
    else:
        keys = ", ".join(f"`{key}`" for key in parsed.unsupported)
        head = f"{file_name} is not supported yet: it has {keys}"
    return InvalidError(
        "\n".join([head, *told]),
        code="INVALID_ARGUMENT",
        reason="invalid-sweep",
        diagnostics=parsed.diagnostics,
    )
