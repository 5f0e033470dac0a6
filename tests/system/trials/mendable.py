"""A trial that logs its objective and fails with code 3, until a file `mended` lies in its working folder."""

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
if not Path("mended").exists():
    print("attempt", os.environ["SWEEPD_ATTEMPT"], "is broken", file=sys.stderr)
    raise SystemExit(3)
