"""What the sweeps say of projects: which there are, and what they hold."""

import sqlite3
from collections.abc import Sequence

from sweepd_kernel.auth.principal import Bounds
from sweepd_scheduler import rows
from sweepd_scheduler.domain.names import Parent
from sweepd_scheduler.ports import ProjectCounts

_RUNS = " + ".join(rows.COUNT_COLUMNS)


def project_names(connection: sqlite3.Connection) -> Sequence[Parent]:
    """Return the projects that have sweeps or runs; an index alone is read."""
    found = connection.execute("select distinct entity, project from sweep")
    return [Parent(row["entity"], row["project"]) for row in found]


def project_counts(connection: sqlite3.Connection, projects: Sequence[Parent]) -> Sequence[ProjectCounts]:
    """Return what each of some projects holds. Runs that belong to no sweep count as runs."""
    counted: list[ProjectCounts] = []
    for project in projects:
        row = connection.execute(
            f"select min(create_time), sum(sweep <> ''), sum({_RUNS}) from sweep"  # noqa: S608 (our own names)
            " where entity = ? and project = ?",
            (project.entity, project.project),
        ).fetchone()
        counted.append(ProjectCounts(create_time=row[0] or 0, sweeps=row[1] or 0, runs=row[2] or 0))
    return counted


def within(bounds: Bounds) -> tuple[str, list[str]]:
    """Return the condition that a sweep lies within `bounds`, which are not everywhere, and its values."""
    places = sorted(bounds.places)
    marks = ", ".join("?" * len(places))
    return f"(entity in ({marks}) or entity || '/' || project in ({marks}))", [*places, *places]
