"""A service as the kernel sees it: its definition, its context, and its life from open to stop."""

import argparse
import logging
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import grpc.aio

from sweepd_kernel.auth.authenticator import Gate
from sweepd_kernel.clock import Clock
from sweepd_kernel.flags import Address
from sweepd_kernel.sql.database import Connection
from sweepd_kernel.sql.schema import Schema


class RunningService(Protocol):
    """An opened service. The kernel calls its three methods once each, in this order."""

    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        """Add the servicers to `server` and return their full names, as `sweepd.v1.SweepService`."""

    async def start(self, address: str) -> None:
        """Begin background work; the port at `address` is bound, calls arrive when this returns."""

    async def stop(self) -> None:
        """End background work and long streams, and close what was opened; within 3 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """Parts that the kernel gives a service when it opens it."""

    flags: argparse.Namespace
    """The service's own flags, and the kernel's."""
    data: Path | None
    """The service's own folder, which exists and is locked; None if it has no data."""
    listen: Address
    """Address on which it listens; the port may still be 0."""
    service_token: str
    """Secret that the services share."""
    access_token: str
    """Secret of the people of this server."""
    clock: Clock
    log: logging.Logger
    reopen: Callable[[], None] = lambda: None
    """Ends the service in order and opens it again, when it cannot continue."""
    gate: Gate = field(default_factory=Gate)
    """Shared with the server: a service that knows the tokens of people says so there."""


AttemptKey: TypeAlias = tuple[str, int]
"""Full name of a run, and the number of an attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDatabase:
    """Database with things of attempts, which belongs to that of another service; for `sweepd pair`.

    One of the two says which attempts there are, the other one removes what it has of others.
    """

    file: str
    """Its name in the folder of the service."""
    schema: Schema
    attempts: Callable[[Connection], AbstractSet[AttemptKey]]
    """Returns the attempts that it has anything of."""
    remove: Callable[[Connection, AbstractSet[AttemptKey]], None] | None = None
    """Removes attempts, in a transaction of the caller; None: it is the one that says which there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition:
    """One service, as an entry point of the group `sweepd.services` names it."""

    name: str
    help: str
    has_data: bool
    add_flags: Callable[[argparse.ArgumentParser], None]
    open: Callable[[ServiceContext], Awaitable[RunningService]]
    accepts_people: bool = False
    """True if the access token lets callers in, too; else only other services are."""
    paired: PairedDatabase | None = None
    """Its database, if that belongs to the one of another service."""
