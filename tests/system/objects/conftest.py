"""Fixtures of the tests of objects: a server with a sweep that has ended, and both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sweepd import AsyncClient, Client
from system.installation import TRIALS, Installation, Server
from system.objects.awaited import Awaited

SWEEP = f"""
program: {TRIALS / "objects.py"}
command: [python, "${{program}}", "${{args}}"]
name: a <b>bold</b> name
method: grid
metric: {{name: loss}}
tags: [nightly]
parameters:
  lr: {{values: [0.1, 0.2, 0.4]}}
  depth: {{value: 3}}
  opt: {{parameters: {{kind: {{values: [sgd, adam]}}}}}}
"""


@dataclass(frozen=True)
class Here:
    """Installation with a server and an ended sweep of which five runs finished and one failed."""

    installation: Installation
    server: Server
    ended: str


@pytest.fixture(scope="package")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    installation = Installation(tmp_path_factory.mktemp("objects"))
    try:
        server = installation.start_server()
        ended = installation.create(SWEEP, "--project", "objects")
        agent = installation.start_agent(ended, "--slots", "2")
        assert agent.process.wait(60) == 0
        yield Here(installation, server, ended)
    finally:
        installation.kill_everything()


@pytest.fixture
def blocking(here: Here) -> Iterator[Client]:
    with Client(here.server.address, token=here.server.access_token) as client:
        yield client


@pytest.fixture
def asynchronous(here: Here) -> Iterator[Any]:
    """Return the asynchronous client with the interface of the blocking one."""
    with asyncio.Runner() as runner:
        client = AsyncClient(here.server.address, token=here.server.access_token)
        awaited = Awaited(client, runner.get_loop())
        yield awaited
        awaited.close()


@pytest.fixture(params=["blocking", "asynchronous"])
def client(request: pytest.FixtureRequest) -> Any:
    """Return each of the clients in turn."""
    return request.getfixturevalue(request.param)
