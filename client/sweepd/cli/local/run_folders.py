"""Folders of this machine that may hold what no server has: of standalone runs, of agents that are gone."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweepd.cli.problem import Problem, not_found
from sweepd.regular_files import read_inside

RUN_FOLDERS = "sweepd-runs"
_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Found:
    """Folder to sync. `run`: full name of its standalone run; empty for the folder of an agent."""

    path: Path
    run: str


def find(folders: Sequence[Path]) -> list[Found]:
    """Return what is in some folders, each of which may be one itself; by name, so oldest runs first.

    Raises:
        Problem: one is missing, or holds nothing of ours.
    """
    found: dict[Path, Found] = {}
    for folder in folders:
        inside = list(_inside(folder))
        if not inside:
            raise _nothing(folder)
        found.update((each.path, each) for each in inside)
    return list(found.values())


def _inside(folder: Path) -> Iterator[Found]:
    here = _found(folder)
    if here is not None:
        yield here
        return
    for depth in ("*", f"{RUN_FOLDERS}/*", "*/*"):
        inside = [each for path in sorted(folder.glob(depth)) if (each := _found(path)) is not None]
        if inside:
            yield from inside
            return


def _found(path: Path) -> Found | None:
    # Without the first of these, its runs are still known by what is kept with each.
    if (path / "runs").is_dir() and any((path / name).is_file() for name in ("agent.json", "lock")):
        return Found(path.absolute(), "")
    try:
        run = json.loads(read_inside(path.resolve(), "run.json", limit=_MOST_BYTES))["run"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Found(path.absolute(), run) if isinstance(run, str) and run.count("/") == 2 else None


def _nothing(folder: Path) -> Problem:
    return not_found(
        f"no run in {folder}" if folder.is_dir() else f"there is no folder {folder}",
        next_step=f"name the folder of a run, one that holds {RUN_FOLDERS}, or the --state of an agent",
    )
