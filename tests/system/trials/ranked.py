"""Trial that logs its `a` as the loss of two rows, and then waits to be stopped.

SIGTERM ends it, unless it is `deaf`; it leaves a file with the monotonic time of the signal.
"""

import argparse
import os
import signal
import threading
import time
from pathlib import Path

import sweepd

parser = argparse.ArgumentParser()
parser.add_argument("--a", type=int, default=0)
parser.add_argument("--deaf", type=int, default=0)
arguments = parser.parse_args()


def _terminated(*_: object) -> None:
    Path(f"terminated-{os.getpid()}").write_text(str(time.monotonic()))
    if not arguments.deaf:
        raise SystemExit(0)


signal.signal(signal.SIGTERM, _terminated)
sweepd.init(config=arguments)
for _ in range(2):
    sweepd.log({"loss": arguments.a})
while True:
    threading.Event().wait()
