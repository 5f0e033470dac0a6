"""Entities and projects: made by a call, or come to be with their first sweep."""

import asyncio
from collections.abc import Sequence

from sweepd_kernel.bounds import Bounds
from sweepd_scheduler.accounts.accounts import Accounts
from sweepd_scheduler.domain.account import EntityEntry, ProjectEntry, TakenError
from sweepd_scheduler.domain.names import Parent
from sweepd_scheduler.reading import Reading


class Places:
    """What was made by a call is held in memory; what has sweeps is read."""

    def __init__(self, accounts: Accounts, reading: Reading) -> None:
        self._accounts = accounts
        self._reading = reading
        self._entities: dict[str, int] = {}
        self._projects: dict[Parent, int] = {}
        self._changing = asyncio.Lock()

    def restore(self) -> None:
        """Take in what is stored; blocks, once, before calls come."""
        loaded = self._accounts.store.load()
        self._entities = dict(loaded.entities)
        self._projects = dict(loaded.projects)

    async def create_entity(self, name: str) -> EntityEntry:
        """Make an entity.

        Raises:
            TakenError: there is one.
        """
        async with self._changing:
            if name in self._entities or any(each.entity == name for each in await self._all()):
                raise TakenError(name)
            now = self._accounts.now()
            await self._accounts.write(self._accounts.store.put_entity, name, now)
            self._entities[name] = now
            return EntityEntry(name=name, create_time=now, projects=0)

    async def create_project(self, name: Parent) -> ProjectEntry:
        """Make a project.

        Raises:
            TakenError: there is one.
        """
        async with self._changing:
            if name in await self._all():
                raise TakenError(str(name))
            now = self._accounts.now()
            await self._accounts.write(self._accounts.store.put_project, name, now)
            self._projects[name] = now
            return ProjectEntry(name=name, create_time=now, sweeps=0, runs=0)

    async def exists(self, name: Parent) -> bool:
        """Tell whether a project was made, or has sweeps or runs."""
        if name in self._projects:
            return True
        (counts,) = await self._reading(self._reading.records.project_counts, [name])
        return counts.create_time > 0

    async def entities(self, bounds: Bounds, after: str, limit: int) -> tuple[list[EntityEntry], bool]:
        """Return entities of which something lies within `bounds`, by name, and whether more follow."""
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
        """Return projects within `bounds`, by name behind `after`, and whether more follow."""
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
        with_sweeps = await self._reading(self._reading.records.project_names)
        return {*with_sweeps, *self._projects}
