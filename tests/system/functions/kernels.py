"""Real Jupyter kernels in their own home, and the output of their cells."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from system.installation import Installation

_PATIENCE = 60.0


class Notebook:
    """Kernel that runs cells one after the other."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient, folder: Path) -> None:
        self.folder = folder
        self.manager = manager
        self.client = client
        self.shown = ""
        self.html = ""

    def begin(self, cell: str) -> str:
        """Send a cell, and return the id of its message."""
        self.shown = self.html = ""
        return str(self.client.execute(cell))

    def read(self, sent: str, *, until: str | None = None, within: float = _PATIENCE) -> str:
        """Read the output of the cell until it contains a text, or until the cell ends; return it."""
        deadline = time.monotonic() + within
        while until is None or until not in self.shown:
            assert time.monotonic() < deadline, self.shown
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != sent:
                continue
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "stream":
                self.shown += content["text"]
            elif kind == "execute_result":
                self.shown += content["data"]["text/plain"] + "\n"
                self.html += content["data"].get("text/html", "")
            elif kind == "error":
                self.shown += f"{content['ename']}: {content['evalue']}\n"
            elif kind == "status" and content["execution_state"] == "idle":
                assert until is None or until in self.shown, f"the cell has ended: {self.shown}"
                break
        return self.shown

    def run(self, cell: str, *, within: float = _PATIENCE) -> str:
        """Run a cell to its end, and return its output."""
        return self.read(self.begin(cell), within=within)


@contextmanager
def kernel(home: Installation, folder: Path) -> Iterator[Notebook]:
    """Start a kernel in `folder`, as a notebook server does.

    It communicates over socket files: free ports may be taken by another process before the kernel starts.
    """
    with TemporaryDirectory() as sockets:  # socket paths must be short
        manager = KernelManager(
            kernel_name="python3", transport="ipc", connection_file=f"{sockets}/kernel.json"
        )
        manager.start_kernel(env=home.environment, cwd=str(folder))
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=_PATIENCE)
            yield Notebook(manager, client, folder)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
