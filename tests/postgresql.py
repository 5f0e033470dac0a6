"""PostgreSQL server of the tests: the machine's own, in a folder of its own, behind a Unix socket alone."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

import machine
from waiting import until

OWNER = "sweepd"
_MEMORY = Path("/dev/shm")
_ROOM = 2**31
_SETTINGS = ("listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=16MB")


class PostgresServer:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._templates: set[str] = set()

    def address(self, database: str) -> str:
        """Return the connection string of a database."""
        return f"host={self._folder} user={OWNER} dbname={database}"

    @contextmanager
    def database(self, template: str, fill: Callable[[str], None]) -> Iterator[str]:
        """Yield the connection string of a new database, a copy of one that `fill` has filled once."""
        if template not in self._templates:
            self.execute(f'create database "{template}"')
            fill(self.address(template))
            self._templates.add(template)
        name = f"test-{uuid.uuid4().hex}"
        self.execute(f'create database "{name}" template "{template}" strategy file_copy')
        try:
            yield self.address(name)
        finally:
            self.execute(f'drop database "{name}" with (force)')

    def execute(self, statement: str) -> None:
        """Execute a statement about databases."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def accepts(self) -> bool:
        """True if it can be connected to."""
        try:
            psycopg.connect(self.address("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """Start a server for the session; PostgreSQL refuses to run as root, so it runs as `nobody` then."""
    binaries = machine.postgresql_binaries()
    assert binaries is not None, "mark the test with `needs`"
    with tempfile.TemporaryDirectory(
        prefix="sweepd-pg-", dir=_in_memory(), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        process = _started(binaries, folder)
        try:
            server = PostgresServer(folder)
            until(lambda: server.accepts() or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _in_memory() -> Path | None:
    """Return a folder in memory, if there is room: each database is hundreds of files, soon removed."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if has_room else None


def _started(binaries: Path, folder: Path) -> subprocess.Popen[bytes]:
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        nobody = pwd.getpwnam("nobody")
        user, group = nobody.pw_uid, nobody.pw_gid
        shutil.chown(folder, user, group)
    groups = () if os.geteuid() == 0 else None
    data = folder / "data"
    initdb = ["-A", "trust", "-U", OWNER, "--no-sync", "--locale=C", "--encoding=UTF8"]
    with (folder / "log").open("wb") as log:
        subprocess.run(
            [binaries / "initdb", *initdb, "-D", data],
            check=True,
            cwd=folder,
            stdout=log,
            stderr=log,
            user=user,
            group=group,
            extra_groups=groups,
        )
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        return subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, *settings],
            cwd=folder,
            stdout=log,
            stderr=log,
            user=user,
            group=group,
            extra_groups=groups,
        )
