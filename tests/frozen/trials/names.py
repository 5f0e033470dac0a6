"""Trial that records its environment variables and the names of `sweepd` and `wandb` with signatures."""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, os.environ["FROZEN_TESTS"])

from frozen.public_names import described_module

wandb = import_module("wandb")


def names_of(module: str) -> object:
    """Return the names of a module, or the error of its import if it needs a framework."""
    try:
        return described_module(import_module(module))
    except ImportError as error:
        return f"needs {error.name}"


wandb.init()
found = {
    "environment": sorted(name for name in os.environ if name.startswith(("SWEEPD_", "WANDB_", "CUDA_"))),
    "wandb": described_module(wandb),
    "wandb modules": {name: names_of(name) for name in json.loads(os.environ["FROZEN_MODULES"])},
}
Path(os.environ["FROZEN_RESULT"]).write_text(json.dumps(found))
wandb.log({"loss": 1.0})
