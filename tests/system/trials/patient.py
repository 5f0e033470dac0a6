"""Trial that logs a row every twentieth of a second until a file `release` is in its working folder.

SIGTERM ends it, too: it leaves the file `terminated` with the monotonic time of the signal.
"""

import argparse
import math
import signal
import time
from pathlib import Path

import sweepd


def _terminated(*_: object) -> None:
    Path("terminated").write_text(str(time.monotonic()))
    raise SystemExit(7)


signal.signal(signal.SIGTERM, _terminated)
parser = argparse.ArgumentParser()
parser.add_argument("--a", type=int, default=0)
arguments = parser.parse_args()
sweepd.init(config=arguments)
row = 0
while row == 0 or not Path("release").exists():
    row += 1
    odd = (math.nan, math.inf, -math.inf, 0.1 + row)[row % 4]
    sweepd.log({"loss": 1 / row, "odd": odd, "row_seen": row, "clock": time.monotonic()})
    time.sleep(0.05)  # the work of a step, not a wait for anything
