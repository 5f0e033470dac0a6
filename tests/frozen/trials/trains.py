"""Trial that logs every type of value, writes a file, and fails at one point."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import sweepd

sweepd.init(
    name="a name", tags=["first"], notes="a note", group="a group", job_type="training", config={"own": 1}
)
sweepd.define_metric("acc", goal="maximize", summary="max")
config: Any = sweepd.config
print("output", flush=True)
for epoch in range(4):
    sweepd.log({"loss": config.lr + 1 / (epoch + 1), "epoch": epoch, "flag": True, "note": "warm"})
sweepd.summary["acc"] = 0.5
files = Path(os.environ["SWEEPD_RUN_DIR"], "files")
files.mkdir(exist_ok=True)
(files / "notes.txt").write_text("kept\n")
if config.opt["kind"] == "waits" and config.lr > 0.15:
    signal.pause()  # logs until the run is stopped
if config.lr > 0.3 and config.opt["kind"] == "adam":
    sys.exit(3)
