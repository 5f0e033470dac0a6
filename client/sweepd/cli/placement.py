"""Where a new sweep lives: its entity and project, by flag, environment, file or default."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from sweepd.cli.problem import usage_problem
from sweepd.cli.sweep_file import Overrides
from sweepd.spec import SweepSpec
from sweepd.spec.reading.placing import LEGAL_PART, PLACING_KEYS, as_part, is_part


def placing(overrides: Overrides, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of a file that nothing replaces: what they say must be legal."""
    return tuple(key for key in PLACING_KEYS if not _told(key, overrides, environ))


def parent_of(spec: SweepSpec, overrides: Overrides, environ: Mapping[str, str]) -> str:
    """Return `entity/project` by flag, environment, file, then a default.

    A file may come from elsewhere, and its names were made legal when it was read; flags and variables are
    ours, and whoever writes one is told what to write.

    Raises:
        Problem: a flag or a variable has no legal name.
    """
    entity = _told("entity", overrides, environ) or spec.entity or "local"
    project = _told("project", overrides, environ) or spec.project or project_of(spec.program, spec.command)
    for kind, part in (("entity", entity), ("project", project)):
        if not is_part(part):
            near = f"write `{near}`: " if (near := as_part(part)) else "write "
            raise usage_problem(f"no legal {kind}: {part!r}", next_step=f"{near}{LEGAL_PART}")
    return f"{entity}/{project}"


def project_of(program: str | None, command: Sequence[str] = ()) -> str:
    """Return the project that a program's name makes: its stem, in legal letters; else `default`."""
    named = program or next((item for item in command if item.endswith((".py", ".sh"))), "")
    return as_part(PurePath(named).stem) or "default"


def _told(key: str, overrides: Overrides, environ: Mapping[str, str]) -> str | None:
    """Return what stands before the file."""
    flag = overrides.entity if key == "entity" else overrides.project
    return flag or environ.get(f"SWEEPD_{key.upper()}")
