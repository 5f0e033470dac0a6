"""Where a token is good: whole entities, single projects, or everywhere. Pure."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Bounds:
    """A set of `{entity}` and `{entity}/{project}`; empty: everywhere. What lies outside does not exist."""

    places: frozenset[str] = frozenset()

    @property
    def everywhere(self) -> bool:
        """Whether nothing lies outside."""
        return not self.places

    def covers(self, entity: str, project: str) -> bool:
        """Whether a project lies inside."""
        return not self.places or entity in self.places or f"{entity}/{project}" in self.places

    def covers_name(self, name: str) -> bool:
        """Whether `{entity}/{project}`, or something in a project, lies inside; other texts do not."""
        if not self.places:
            return True
        parts = name.split("/", 2)
        return len(parts) > 1 and self.covers(parts[0], parts[1])

    def touches(self, entity: str) -> bool:
        """Whether something of an entity lies inside."""
        return not self.places or entity in self._entities

    def includes(self, other: "Bounds") -> bool:
        """Whether all of `other` lies inside."""
        if not self.places:
            return True
        return bool(other.places) and all(
            place in self.places or place.partition("/")[0] in self.places for place in other.places
        )

    @cached_property
    def _entities(self) -> frozenset[str]:
        return frozenset(place.partition("/")[0] for place in self.places)


EVERYWHERE = Bounds()
