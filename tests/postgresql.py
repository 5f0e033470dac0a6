"""PostgreSQL server of the tests: installed binaries, a temporary data folder, a Unix socket only."""

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

import required_programs
from waiting import until

OWNER = "sweepd"
_MEMORY = Path("/dev/shm")
_REQUIRED_BYTES = 2**31
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
        """Yield the connection string of a new database, copied from a template that `fill` fills once."""
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
        """Execute a statement in the maintenance database."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def accepts(self) -> bool:
        """Return True if the server accepts connections."""
        try:
            psycopg.connect(self.address("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """Start a server for the session; PostgreSQL refuses to run as root, so for root it runs as `nobody`."""
    binaries = required_programs.postgresql_binaries()
    assert binaries is not None, "mark the test with `needs`"
    with tempfile.TemporaryDirectory(
        prefix="sweepd-pg-", dir=_in_memory(), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        process = _start(binaries, folder)
        try:
            server = PostgresServer(folder)
            until(lambda: server.accepts() or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _in_memory() -> Path | None:
    """Return a folder in memory if it has space: each database consists of hundreds of short-lived files."""
    has_space = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _REQUIRED_BYTES
    return _MEMORY if has_space else None


def _start(binaries: Path, folder: Path) -> subprocess.Popen[bytes]:
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
