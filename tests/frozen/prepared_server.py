"""Server on which one sweep of each kind has ended, for the tests of commands and clients that read them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from system.installation import Agent, Installation, Server
from waiting import until

TRIALS = Path(__file__).parent / "trials"
MODULES = Path(__file__).parent / "golden" / "wandb_modules.json"
GRID = f"""
program: {TRIALS / "trains.py"}
command: [python, "${{program}}", "${{args}}"]
name: a name
description: some words
method: grid
metric: {{name: loss, goal: minimize, target: -1}}
tags: [nightly]
metadata: {{owner: me}}
repeats: 1
constraints: ["lr < 1"]
early_terminate: {{type: hyperband, min_iter: 100}}
parameters:
  lr: {{values: [0.1, 0.2, 0.4]}}
  depth: {{value: 3}}
  opt: {{parameters: {{kind: {{values: [sgd, adam]}}}}}}
"""
STOPPED = f"""
program: {TRIALS / "trains.py"}
command: [python, "${{program}}", "${{args}}"]
project: other
method: grid
metric: {{name: loss}}
early_terminate: {{type: threshold, at: 1, value: 1.15}}
parameters:
  lr: {{values: [0.1, 0.2]}}
  opt: {{parameters: {{kind: {{value: waits}}}}}}
"""
BAYES = f"""
program: {TRIALS / "trains.py"}
command: [python, "${{program}}", "${{args}}"]
project: other
method: bayes
run_cap: 8
seed: 1
metric: {{name: loss}}
parameters:
  lr: {{min: 0.0, max: 0.3}}
  opt: {{parameters: {{kind: {{value: sgd}}}}}}
"""
NAMES = f"""
program: {TRIALS / "names.py"}
command: [python, "${{program}}", "${{args}}"]
project: names
compat: wandb
method: grid
metric: {{name: loss}}
parameters: {{lr: {{value: 0.1}}}}
"""
WAITING = f"""
program: {TRIALS / "trains.py"}
project: waiting
method: random
metric: {{name: loss}}
parameters: {{lr: {{min: 0.0, max: 1.0}}}}
"""
SEEDED = STOPPED.replace("method: grid", "method: random\nrun_cap: 2").replace(
    "values: [0.1, 0.2]", "min: 0.0, max: 0.3"
)
SHORT = BAYES.replace("method: bayes\nrun_cap: 8", "method: random\nrun_cap: 1")
IDLE = WAITING.replace("project: waiting", "project: idle")
STANDALONE = (
    "import sweepd\nwith sweepd.init(project='by-hand', config={'lr': 0.1}):\n    sweepd.log({'loss': 1.0})\n"
)


@dataclass(frozen=True)
class PreparedServer:
    """Installation with its server, the names of its sweeps, and their agents."""

    installation: Installation
    server: Server
    grid: str
    stopped: str
    bayes: str
    waiting: str
    seeded: str
    found: dict[str, object] = field(default_factory=dict)
    agents: list[Agent] = field(default_factory=list)


@contextmanager
def prepared_server(folder: Path) -> Iterator[PreparedServer]:
    """Start a server, run one sweep of each kind to its end, and yield the running server."""
    installation = Installation(folder)
    result = folder / "names.json"
    installation.environment |= {
        "FROZEN_TESTS": str(Path(__file__).parents[1]),
        "FROZEN_RESULT": str(result),
        "FROZEN_MODULES": json.dumps(json.loads(MODULES.read_text())),
    }
    try:
        server = installation.start_server()
        grid, stopped, bayes, names = (installation.create(text) for text in (GRID, STOPPED, BAYES, NAMES))
        agents = [installation.start_agent(sweep, "--slots", "2") for sweep in (grid, stopped, bayes, names)]
        waiting, paused = installation.create(WAITING), installation.create(IDLE)
        installation.ctl("pause", paused)
        idle = installation.start_agent(paused, "--label", "site=attic")
        subprocess.run(
            [sys.executable, "-c", STANDALONE],
            env=installation.environment,
            cwd=installation.work,
            check=True,
            timeout=60,
        )
        ended = [agent.process.wait(60) for agent in agents]
        assert ended == [0, 0, 0, 0], [agent.log()[-2000:] for agent in agents]
        assert result.exists(), installation.ctl("logs", f"{names}:1").stdout
        seeded = installation.write("seeded.yaml", SEEDED)
        made = installation.json("create", str(seeded), "--prior-sweep", stopped)
        installation.ctl("sync")
        until(
            lambda: len(idle.events("withheld")) > 0,
            what="the idle agent receives the reason why it gets no runs",
        )
        yield PreparedServer(
            installation,
            server,
            grid,
            stopped,
            bayes,
            waiting,
            str(made["name"]),
            json.loads(result.read_text()),
            [*agents, idle],
        )
    finally:
        installation.kill_everything()
