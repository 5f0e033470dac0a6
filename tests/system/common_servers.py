"""Servers shared by the tests of a process, since starting one takes longer than most tests."""

from __future__ import annotations

from pathlib import Path

from sweepd.rpc.discovery import read_entry, write_entry
from system.installation import Installation, Server


class CommonServers:
    """Shared servers by flags; each is started when the first test joins it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hosts: dict[tuple[str, ...], Installation] = {}
        self._servers: dict[tuple[str, ...], Server] = {}

    def joined_by(self, guest: Installation, flags: tuple[str, ...]) -> Server:
        """Return the server, after adding its entry to the home of `guest`."""
        if flags not in self._servers:
            folder = self._folder / str(len(self._hosts))
            folder.mkdir()
            self._hosts[flags] = Installation(folder)
            self._servers[flags] = self._hosts[flags].start_server(*flags)
        server = self._servers[flags]
        entry = read_entry(server.address, self._hosts[flags].environment)
        assert entry is not None, server.log.read_text()[-2000:]
        write_entry(entry, guest.environment)
        return server

    def kill_everything(self) -> None:
        """Kill all servers."""
        for host in self._hosts.values():
            host.kill_everything()
