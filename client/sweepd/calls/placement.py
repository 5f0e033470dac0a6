"""Placement of a new sweep: its entity and project, by flag, environment, file, context or default."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath

from sweepd.calls.sweep_file import Overrides
from sweepd.errors import invalid
from sweepd.name_part import LEGAL_PART, as_part, is_part
from sweepd.spec import SweepSpec
from sweepd.spec.reading.sweep import PLACING_KEYS


def placing(overrides: Overrides, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of a file that nothing replaces: what they say must be legal."""
    return tuple(key for key in PLACING_KEYS if not _given(key, overrides, environ))


def parent_of(
    spec: SweepSpec,
    overrides: Overrides,
    environ: Mapping[str, str],
    kept: Callable[[str], str] = lambda kind: "",
) -> str:
    """Return `entity/project` by flag, environment, file, what is `kept` for such a case, then a default.

    A file may come from elsewhere, and its names were made legal when it was read; flags and variables are
    ours, and whoever writes one is told what to write.

    Raises:
        InvalidError: a flag or a variable has no legal name.
    """
    entity = _given("entity", overrides, environ) or spec.entity or kept("entity") or "local"
    project = _given("project", overrides, environ) or spec.project or kept("project")
    project = project or project_of(spec.program, spec.command)
    for kind, part in (("entity", entity), ("project", project)):
        check_part(kind, part)
    return f"{entity}/{project}"


def check_part(kind: str, part: str) -> None:
    """Refuse what cannot be the name of an entity or a project.

    Raises:
        InvalidError: with the nearest legal name.
    """
    if not is_part(part):
        near = f"write `{near}`; " if (near := as_part(part)) else ""
        raise invalid(
            f"{part!r} cannot be the name of {'an entity' if kind == 'entity' else 'a project'}",
            f"{near}names have {LEGAL_PART}",
        )


def project_name(text: str, entity: str) -> str:
    """Return the full name of a project as a person types it: its entity may be left out.

    Raises:
        InvalidError: it is none.
    """
    parts = text.strip("/").split("/")
    if len(parts) == 1:
        parts = [entity or "local", *parts]
    if len(parts) != 2 or not all(parts):
        raise invalid(f"not a project: {text!r}", "write PROJECT or ENTITY/PROJECT")
    return "/".join(parts)


def project_of(program: str | None, command: Sequence[str] = ()) -> str:
    """Return the project that a program's name makes: its stem, in legal letters; else `default`."""
    named = program or next((item for item in command if item.endswith((".py", ".sh"))), "")
    return as_part(PurePath(named).stem) or "default"


def _given(key: str, overrides: Overrides, environ: Mapping[str, str]) -> str | None:
    """Return the value that takes precedence over the file's."""
    flag = overrides.entity if key == "entity" else overrides.project
    return flag or environ.get(f"SWEEPD_{key.upper()}")
