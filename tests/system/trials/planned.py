"""Trial that follows the plan for its `a` in `plan.json`.

{"0": {"steps": [0.5, "go", 0.4], "exits": [1, 0]}}: it logs the loss 0.5, waits for a file `go`, logs 0.4 and
exits with the code of its attempt, later ones with the last code. Omitted parts do not happen; the exit
code is 0 by default. `{repeat}` in the name of a file stands for its index. Each attempt appends a record to
`attempts.jsonl`.
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
arguments = parser.parse_args()
plan = json.loads(Path("plan.json").read_text()).get(str(arguments.a), {})
attempt = int(os.environ["SWEEPD_ATTEMPT"])
record = {
    "a": arguments.a,
    "attempt": attempt,
    "argv": sys.orig_argv,
    "repeat": os.environ.get("SWEEPD_REPEAT"),
}
with Path("attempts.jsonl").open("a") as lines:
    lines.write(json.dumps(record) + "\n")
sweepd.init(config=arguments)
for step in plan.get("steps", []):
    if isinstance(step, str):
        while not Path(step.format(repeat=record["repeat"])).exists():
            time.sleep(0.02)
    else:
        sweepd.log({"loss": step})
exits = plan.get("exits", [0])
raise SystemExit(exits[min(attempt, len(exits)) - 1])
