"""Trial for the tests of the objects: values of every type, a line of output, and one point that fails."""

import math
import sys
from typing import Any

import sweepd

sweepd.init()
config: Any = sweepd.config
print(f"learning rate {config.lr}: grüße", flush=True)
for epoch in range(4):
    row: dict[str, object] = {
        "loss": config.lr + 1 / (epoch + 1),
        "epoch": epoch,
        "odd": math.nan if epoch == 3 else 0.5,
    }
    if config.opt["kind"] == "adam":
        row |= {"beta": 1, "note": "warm"}
    sweepd.log(row)
if config.lr > 0.3 and config.opt["kind"] == "adam":
    sys.exit(3)
