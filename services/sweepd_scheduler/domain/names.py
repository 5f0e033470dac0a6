"""Names of sweeps and runs: `entity/project/id`.

The id of a run in a sweep is `{sweep}-{number}`; `{sweep}:{number}` is an alias. Standalone runs are stored
under a sweep with an empty id, which no request can name.
"""

import re
from dataclasses import dataclass

from sweepd.name_part import is_part
from sweepd_kernel.errors import DomainError, InvalidFieldError, NotFoundError, Reason, Status

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RUN_ID = re.compile(r"(?P<sweep>[a-z0-9][a-z0-9_-]{0,63})(?P<mark>[-:])(?P<number>[1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Parent:
    """Project: parent of sweeps and runs."""

    entity: str
    project: str

    def __str__(self) -> str:
        return f"{self.entity}/{self.project}"


@dataclass(frozen=True, slots=True)
class SweepName:
    """Full name of a sweep."""

    parent: Parent
    id: str

    @property
    def is_standing(self) -> bool:
        """True for the sweep that holds the standalone runs of a project."""
        return not self.id

    def __str__(self) -> str:
        return f"{self.parent}/{self.id}" if self.id else str(self.parent)


@dataclass(frozen=True, slots=True)
class RunName:
    """Full name of a run. `id`: set only for a standalone run, whose number may be unknown (0)."""

    sweep: SweepName
    number: int
    id: str = ""

    def __str__(self) -> str:
        return f"{self.sweep}/{self.id}" if self.sweep.is_standing else f"{self.sweep}-{self.number}"

    def as_standalone(self) -> "RunName":
        """Return this name as that of a standalone run, whose id may have the form `{sweep}-{number}`."""
        if self.sweep.is_standing:
            return self
        return RunName(standing_name(self.sweep.parent), 0, f"{self.sweep.id}-{self.number}")


def parent(text: str, field: str = "parent") -> Parent:
    """Parse `{entity}/{project}`.

    Raises:
        InvalidFieldError: the text is not of that form.
    """
    parts = text.split("/")
    if len(parts) != 2 or not all(map(is_part, parts)):
        raise InvalidFieldError(field, f"{text!r:.200} is not of the form ENTITY/PROJECT")
    return Parent(*parts)


def new_id(text: str, field: str) -> str:
    """Check the id of a new sweep or standalone run.

    Raises:
        InvalidFieldError: the text is not a valid id.
    """
    if not _ID.fullmatch(text):
        raise InvalidFieldError(field, f"{text!r:.200} does not match [a-z0-9][a-z0-9_-]{{0,63}}")
    return text


def standing_name(parent: Parent) -> SweepName:
    """Return the name of the sweep that holds a project's standalone runs."""
    return SweepName(parent, "")


def sweep_name(text: str) -> SweepName:
    """Parse the full name of a sweep; an invalid name is reported as not found.

    Raises:
        NotFoundError: the text cannot be such a name.
    """
    entity, project, sweep = _split(text)
    if not _ID.fullmatch(sweep):
        raise NotFoundError(text)
    return SweepName(Parent(entity, project), sweep)


def run_name(text: str) -> RunName:
    """Parse the full name or alias of a run; an id without a number names a standalone run.

    Raises:
        NotFoundError: the text cannot be such a name.
    """
    entity, project, run = _split(text)
    found = _RUN_ID.fullmatch(run)
    if not found and _ID.fullmatch(run):
        return RunName(standing_name(Parent(entity, project)), 0, run)
    if not found:
        raise NotFoundError(text)
    return RunName(SweepName(Parent(entity, project), found["sweep"]), int(found["number"]))


def sweep_of_run_id(text: str) -> str | None:
    """Return the sweep id in an id of the form `{sweep}-{number}`; None if the id has another form.

    While a sweep `a` exists, no other sweep and no standalone run may be named `a-1`, as a run of `a` may get
    this name.
    """
    found = _RUN_ID.fullmatch(text)
    return found["sweep"] if found and found["mark"] == "-" else None


def _split(text: str) -> tuple[str, str, str]:
    parts = text.split("/")
    if len(parts) != 3 or not all(map(is_part, parts[:2])):
        raise NotFoundError(f"{text:.200}")
    return parts[0], parts[1], parts[2]


class NameTakenError(DomainError, status=Status.ALREADY_EXISTS, reason=Reason.NAME_TAKEN):
    """The name, or another that clashes with it, is already in use in the project."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already", metadata={"name": name})
