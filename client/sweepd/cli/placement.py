"""Where a new sweep lives: its entity and project, and what is wrong with such a name in a sweep file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from sweepd.cli.problem import usage_problem
from sweepd.cli.sweep_file import Overrides, SweepText, invalid, tell
from sweepd.spec import Diagnostic, SweepSpec
from sweepd.spec.diagnostic import Findings, shown
from sweepd.spec.loader import load_text

_PART = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LEGAL = "lower-case letters, digits, `_`, `.` and `-`, at most 64, a letter or digit first"


def placed(
    text: SweepText, spec: SweepSpec, *, overrides: Overrides, environ: Mapping[str, str], error_format: str
) -> str:
    """Return `entity/project` where the sweep of a file will live; findings go to stderr.

    Raises:
        Problem: a name is not legal.
    """
    if findings := name_findings(text, spec, overrides, environ):
        tell(findings, error_format)
        raise invalid(text.file_name, findings)
    return parent_of(spec, overrides, environ)


def parent_of(spec: SweepSpec, overrides: Overrides, environ: Mapping[str, str]) -> str:
    """Return `entity/project` by flag, environment, file, then a default.

    Raises:
        Problem: one of them is no legal name.
    """
    entity = _told("entity", overrides, environ) or spec.entity or "local"
    project = _told("project", overrides, environ) or spec.project or project_of(spec.program, spec.command)
    for kind, part in (("entity", entity), ("project", project)):
        if not _PART.fullmatch(part):
            raise usage_problem(f"no legal {kind}: {part!r}", next_step=_LEGAL)
    return f"{entity}/{project}"


def name_findings(
    text: SweepText, spec: SweepSpec, overrides: Overrides, environ: Mapping[str, str]
) -> list[Diagnostic]:
    """Return what is wrong with the names in a file that nothing replaces."""
    findings = Findings(text.file_name)
    for key, name in _illegal(spec, overrides, environ):
        document = load_text(text.content, Findings(text.file_name))
        entry = document.entries.get(key) if document is not None else None
        message = f"{shown(name)} is no legal name: {_LEGAL}; or replace it with --{key}"
        findings.error(entry.node.place if entry is not None else None, key, "bad-name", message)
    return list(findings.in_order())


def project_of(program: str | None, command: Sequence[str] = ()) -> str:
    """Return the project that a program's name makes: its stem, in legal letters; else `default`."""
    named = program or next((item for item in command if item.endswith((".py", ".sh"))), "")
    letters = re.sub(r"[^a-z0-9_.-]+", "-", PurePath(named).stem.lower())
    return letters.lstrip("_.-")[:64].rstrip("-") or "default"


def _illegal(spec: SweepSpec, overrides: Overrides, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, name in (("entity", spec.entity), ("project", spec.project)):
        if name and not _told(key, overrides, environ) and not _PART.fullmatch(name):
            yield key, name


def _told(key: str, overrides: Overrides, environ: Mapping[str, str]) -> str | None:
    """Return what stands before the file."""
    flag = overrides.entity if key == "entity" else overrides.project
    return flag or environ.get(f"SWEEPD_{key.upper()}")
