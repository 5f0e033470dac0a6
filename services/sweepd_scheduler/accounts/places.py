"""Entities and projects, created by a call, or implicitly with their first sweep or run."""

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from sweepd_kernel.auth.principal import Bounds
from sweepd_scheduler.accounts.accounts import Accounts
from sweepd_scheduler.domain.account import (
    MAX_EMPTY,
    MAX_EMPTY_OF_ENTITY,
    MAX_ENTITIES,
    EntityEntry,
    ProjectEntry,
    TooManyPlacesError,
)
from sweepd_scheduler.domain.names import NameTakenError, Parent
from sweepd_scheduler.store.records import Reading


class Places:
    """Entities and projects. Those created by a call are in memory; others are read from the records."""

    def __init__(self, accounts: Accounts, reading: Reading) -> None:
        self._accounts = accounts
        self._reading = reading
        self._entities: dict[str, int] = {}
        self._projects: dict[Parent, int] = {}
        self._change_lock = asyncio.Lock()

    def restore(self) -> None:
        """Load the stored entities and projects. Blocks; called once, before the first call of a client."""
        loaded = self._accounts.store.load()
        self._entities = dict(loaded.entities)
        self._projects = dict(loaded.projects)

    async def create_entity(self, name: str) -> EntityEntry:
        """Create an entity.

        Raises:
            NameTakenError: the entity exists.
            TooManyPlacesError: a limit is reached.
        """
        async with self._change_lock:
            if name in self._entities or any(each.entity == name for each in await self._all()):
                raise NameTakenError(name)
            if len(self._entities) >= MAX_ENTITIES:
                raise TooManyPlacesError(f"{MAX_ENTITIES:,} entities were created")
            now = self._accounts.now()
            await self._accounts.write(self._accounts.store.put_entity, name, now)
            self._entities[name] = now
            return EntityEntry(name=name, create_time=now, projects=0)

    async def create_project(self, name: Parent) -> ProjectEntry:
        """Create a project.

        Raises:
            NameTakenError: the project exists.
            TooManyPlacesError: a limit is reached.
        """
        async with self._change_lock:
            used = await self._with_sweeps()
            if name in used or name in self._projects:
                raise NameTakenError(str(name))
            _check_limits(name.entity, self._projects.keys() - used)
            now = self._accounts.now()
            await self._accounts.write(self._accounts.store.put_project, name, now)
            self._projects[name] = now
            return ProjectEntry(name=name, create_time=now, sweeps=0, runs=0)

    async def exists(self, name: Parent) -> bool:
        """Return True if a project was created by a call, or has sweeps or runs."""
        if name in self._projects:
            return True
        (counts,) = await self._reading(self._reading.records.project_counts, [name])
        return counts.create_time > 0

    async def entities(self, bounds: Bounds, after: str, limit: int) -> tuple[list[EntityEntry], bool]:
        """Return entities at least partly within `bounds`, ordered by name, and True if more follow.

        `after`: only entities whose names come after this one; `limit`: maximum number.
        """
        counts: dict[str, int] = {name: 0 for name in self._entities if bounds.touches(name)}
        for each in await self._all():
            if bounds.covers(each.entity, each.project):
                counts[each.entity] = counts.get(each.entity, 0) + 1
        names = sorted(name for name in counts if name > after)
        found = [
            EntityEntry(name=name, create_time=self._entities.get(name, 0), projects=counts[name])
            for name in names[:limit]
        ]
        return found, len(names) > limit

    async def projects(
        self, bounds: Bounds, entity: str, after: str, limit: int
    ) -> tuple[Sequence[ProjectEntry], bool]:
        """Return projects within `bounds`, ordered by name, and True if more follow.

        `entity`: only projects of this entity; empty: any. `after`: only projects whose names come after this
        one; `limit`: maximum number.
        """
        seen = sorted(
            (
                each
                for each in await self._all()
                if (not entity or each.entity == entity) and bounds.covers(each.entity, each.project)
            ),
            key=str,
        )
        left = [each for each in seen if str(each) > after]
        counted = await self._reading(self._reading.records.project_counts, left[:limit])
        return [
            ProjectEntry(
                name=each,
                create_time=self._projects.get(each) or counts.create_time,
                sweeps=counts.sweeps,
                runs=counts.runs,
            )
            for each, counts in zip(left[:limit], counted, strict=True)
        ], len(left) > limit

    async def _all(self) -> set[Parent]:
        return {*await self._with_sweeps(), *self._projects}

    async def _with_sweeps(self) -> set[Parent]:
        return set(await self._reading(self._reading.records.project_names))


def _check_limits(entity: str, empty: AbstractSet[Parent]) -> None:
    """Check that one more empty project is within the limits; `empty`: projects without sweeps or runs.

    Raises:
        TooManyPlacesError: a limit is reached.
    """
    if len(empty) >= MAX_EMPTY:
        raise TooManyPlacesError(f"{MAX_EMPTY:,} projects are still empty")
    # The limit per entity prevents a token that is bound to one entity from using up the total limit.
    if sum(each.entity == entity for each in empty) >= MAX_EMPTY_OF_ENTITY:
        raise TooManyPlacesError(f"{MAX_EMPTY_OF_ENTITY:,} projects of {entity} are still empty")
