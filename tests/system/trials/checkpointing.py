"""Trial that saves a checkpoint after every third step and resumes from it.

Files in the working folder control it: it waits before step N while `hold-N` exists. `preempt-N` makes it
mark its preemption at step N and fail.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import sweepd

parser = argparse.ArgumentParser()
parser.add_argument("--a", type=int, default=0)
parser.add_argument("--steps", type=int, default=10)
arguments = parser.parse_args()

run = sweepd.init(config=arguments)
kept = Path(os.environ["SWEEPD_CHECKPOINT_DIR"]) / "state.json"
state = {"done": 0}
if run.resumed:
    state = json.loads(kept.read_text())
    assert run.step == state["done"], (run.step, state)
for step in range(state["done"], arguments.steps):
    while Path(f"hold-{step}").exists():
        time.sleep(0.02)
    sweepd.log({"loss": 1 / (step + 1), "from_attempt": run.attempt})
    preempt = Path(f"preempt-{step}")
    if preempt.exists():
        preempt.unlink()
        sweepd.mark_preempting()
        sys.exit(1)
    if step % 3 == 2:
        fresh = kept.with_suffix(".new")
        fresh.write_text(json.dumps({"done": step + 1}))
        fresh.replace(kept)
        run.checkpoint_saved()
