"""What a sweep and a run have in common, as they stood when the server was last asked."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from sweepd import v1
from sweepd.objects.values import time_of

M = TypeVar("M", v1.Sweep, v1.Run)


class Record(Generic[M]):
    """A sweep or a run as it stood when the server was last asked; nothing here asks it again.

    Two of them are equal if they are of the same name and kind, whichever client they come from.
    """

    _message: M

    @property
    def name(self) -> str:
        """Full name: entity/project/id."""
        return self._message.name

    @property
    def id(self) -> str:
        """The last part of the name."""
        return self.name.rpartition("/")[2]

    @property
    def project(self) -> str:
        """The project that it lives in."""
        return self.name.split("/")[1]

    @property
    def entity(self) -> str:
        """The entity that its project belongs to."""
        return self.name.split("/")[0]

    @property
    def reason(self) -> str | None:
        """One sentence: why it is in this state; None where nothing needs saying."""
        return self._message.reason or None

    @property
    def create_time(self) -> datetime | None:
        """When it was created, in UTC."""
        return time_of(self._message.create_time)

    @property
    def start_time(self) -> datetime | None:
        """When its first process started, in UTC; of a sweep: when its first run was handed out."""
        return time_of(self._message.start_time)

    @property
    def end_time(self) -> datetime | None:
        """When it ended, in UTC."""
        return time_of(self._message.end_time)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return type(other._message) is type(self._message) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)
