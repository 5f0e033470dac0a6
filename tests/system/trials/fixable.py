"""Trial that logs its objective and fails with code 3 until a file `fixed` is in its working folder."""

import argparse
import os
import sys
from pathlib import Path

import sweepd

parser = argparse.ArgumentParser()
parser.add_argument("--a", type=int, default=0)
arguments = parser.parse_args()
sweepd.init(config=arguments)
sweepd.log({"loss": float(arguments.a)})
if not Path("fixed").exists():
    print("attempt", os.environ["SWEEPD_ATTEMPT"], "is broken", file=sys.stderr)
    raise SystemExit(3)
