"""Ports between the kernel and a service: definition, context, and lifecycle from open to stop."""

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
    """Port of an opened service. The kernel calls its methods in this order, each at most once."""

    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        """Add servicers to `server`; return the names of their services, such as `sweepd.v1.RunService`."""

    async def start(self, address: str) -> None:
        """Start background work; the port at `address` is already bound, but no call is accepted yet."""

    async def stop(self) -> None:
        """End background work and long streams, and close all resources, within 3 s; new calls fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """Dependencies that the kernel passes to a service when opening it."""

    flags: argparse.Namespace
    """Flags of the service and of the kernel."""
    data: Path | None
    """Folder of the service, which exists and is locked; None if it has no data."""
    listen: Address
    """Address to listen on; the port may still be 0."""
    service_token: str
    """Secret shared by the services."""
    access_token: str
    """The server's own token for people."""
    clock: Clock
    log: logging.Logger
    reopen: Callable[[], None] = lambda: None
    """Callback for a service that cannot continue: the kernel stops the service and opens it again."""
    gate: Gate = field(default_factory=Gate)
    """Token store (set by the service that has one) and open streams, shared with the gRPC server."""


AttemptKey: TypeAlias = tuple[str, int]
"""Key of an attempt: full name of its run, and its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDatabase:
    """Database with data of attempts, paired with another service's database; for `sweepd pair`.

    One database of the pair defines which attempts exist; from the other, all other attempts are removed.
    """

    file: str
    """File name in the folder of the service."""
    schema: Schema
    attempts: Callable[[Connection], AbstractSet[AttemptKey]]
    """Function that returns the attempts with data in the database."""
    remove: Callable[[Connection, AbstractSet[AttemptKey]], None] | None = None
    """Function that removes attempts, in the caller's transaction; None: this database defines them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition:
    """Definition of a service, as registered by an entry point of the group `sweepd.services`."""

    name: str
    help: str
    has_data: bool
    add_flags: Callable[[argparse.ArgumentParser], None] = lambda _parser: None
    open: Callable[[ServiceContext], Awaitable[RunningService]]
    accepts_people: bool = False
    """True if people may call the service; otherwise only other services may."""
    paired: PairedDatabase | None = None
    """Database of the service, if it is paired with the database of another service."""
