"""Trial that prints until a file `release-N` exists, N being its attempt; the first attempt fails."""

import os
import time
from pathlib import Path

import sweepd

attempt = int(os.environ["SWEEPD_ATTEMPT"])
sweepd.init()
line = 0
while line == 0 or not Path(f"release-{attempt}").exists():
    line += 1
    print(f"attempt {attempt} line {line}", flush=True)
    time.sleep(0.02)  # the work of a step, not a wait for anything
sweepd.log({"loss": 1.0})
print("x" * 3_000_000)
print(f"attempt {attempt} ends", flush=True)
raise SystemExit(1 if attempt == 1 else 0)
