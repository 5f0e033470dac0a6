"""Trial that logs `loss` for a few steps, with some work between, and ends."""

import argparse
import os
import time

import sweepd

parser = argparse.ArgumentParser()
parser.add_argument("--a", type=int, default=0)
parser.add_argument("--b", type=int, default=0)
parser.add_argument("--c", type=int, default=0)
parser.add_argument("--x", type=float, default=0.0)
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("--seconds", type=float, default=0.02)
parser.add_argument("--exit", type=int, default=0)
arguments = parser.parse_args()

sweepd.init(config=arguments)
for step in range(1, arguments.steps + 1):
    time.sleep(arguments.seconds)  # the work of a step, not a wait for anything
    sweepd.log(
        {
            "loss": arguments.x + arguments.a + 1 / step,
            "step_seen": step,
            "odd": float("nan") if step == 2 else 1.0,
        }
    )
print("attempt", os.environ.get("SWEEPD_ATTEMPT"), "done")
raise SystemExit(arguments.exit)
