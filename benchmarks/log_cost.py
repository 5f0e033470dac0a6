"""Cost of one `log` call and of the import, compared with other trackers in the same run.

Trackers that are not installed are named and left out. Each runs in its own process, like a training, and
logs two metrics per call. Nothing leaves the machine: wandb is offline, MLflow writes into a folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CALLS = 20_000
SLOW_CALLS = 300
WARM_UP = 50
IMPORTS = 7
CLIENT = Path(__file__).resolve().parents[1] / "client"

# Code that starts a run and defines a function `log(i)`, which logs two metrics.
_BEGIN = {
    "sweepd": """
import sweepd
sweepd.init(settings=sweepd.Settings(silent=True), mode="offline")
def log(i): sweepd.log({"loss": 1 / (i + 1), "acc": i * 1e-6})
""",
    "wandb": """
import wandb
wandb.init(mode="offline", project="cost", settings=wandb.Settings(silent=True, console="off"))
def log(i): wandb.log({"loss": 1 / (i + 1), "acc": i * 1e-6})
""",
    "mlflow": """
import os
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
import mlflow
mlflow.set_tracking_uri("file://" + os.getcwd() + "/mlruns")
mlflow.start_run()
def log(i): mlflow.log_metrics({"loss": 1 / (i + 1), "acc": i * 1e-6}, step=i)
""",
    "tensorboardX": """
from tensorboardX import SummaryWriter
writer = SummaryWriter("events")
def log(i):
    writer.add_scalar("loss", 1 / (i + 1), i)
    writer.add_scalar("acc", i * 1e-6, i)
""",
    "tensorboard": """
import time
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
writer = EventFileWriter("events")
def log(i):
    metrics = {"loss": 1 / (i + 1), "acc": i * 1e-6}
    values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]
    writer.add_event(Event(wall_time=time.time(), step=i, summary=Summary(value=values)))
""",
}
_SLOW = ("mlflow",)
_MEASURE = """
import json, os, sys, time
calls, warm_up = int(sys.argv[1]), int(sys.argv[2])
for i in range(warm_up): log(i)
print("ready", flush=True)
sys.stdin.readline()
spent, now = [], time.perf_counter_ns
for i in range(warm_up, warm_up + calls):
    began = now()
    log(i)
    spent.append(now() - began)
spent.sort()
print(json.dumps([spent[calls // 2] / 1000, spent[calls * 99 // 100] / 1000]), flush=True)
os._exit(0)
"""


def _costs(name: str, processes: int) -> tuple[float, float]:
    """Return median and 99th percentile of a call, in microseconds, with `processes` concurrent loggers."""
    calls = SLOW_CALLS if name in _SLOW else CALLS
    with tempfile.TemporaryDirectory(prefix="log-cost-", ignore_cleanup_errors=True) as folder:
        children = [_start_logger(name, calls, Path(folder) / str(number)) for number in range(processes)]
        for child in children:
            _read_line(child, "ready")
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        results = [json.loads(_read_line(child, "[")) for child in children]
        for child in children:
            child.communicate(timeout=60)
    medians, tails = zip(*results, strict=True)
    return statistics.median(medians), statistics.median(tails)


def _start_logger(name: str, calls: int, folder: Path) -> subprocess.Popen[str]:
    folder.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SWEEPD_", "WANDB_"))}
    return subprocess.Popen(
        [sys.executable, "-c", _BEGIN[name] + _MEASURE, str(calls), str(WARM_UP)],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(CLIENT), "HOME": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _read_line(child: subprocess.Popen[str], beginning: str) -> str:
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith(beginning):
            return line
    raise RuntimeError(f"{child.args!r:.80} has ended with code {child.wait()}")


def _import_seconds(name: str) -> float:
    """Return the CPU seconds of importing a package and its `init`, less those of a bare interpreter."""
    environment = os.environ | {"PYTHONPATH": str(CLIENT)}

    def cpu(code: str) -> float:
        def once() -> float:
            before = os.times()
            subprocess.run([sys.executable, "-c", code], check=True, env=environment, capture_output=True)
            after = os.times()
            return after.children_user + after.children_system - before.children_user - before.children_system

        once()
        return min(once() for _ in range(IMPORTS))

    return cpu(f"import {name}; getattr({name}, 'init', None)") - cpu("pass")


def _installed(names: Sequence[str]) -> list[str]:
    found = [name for name in names if name == "sweepd" or importlib.util.find_spec(name) is not None]
    for name in names:
        if name not in found:
            print(f"{name}: not installed, left out")
    return found


def main() -> None:
    """Print the cost of a call for each installed tracker, then the costs of imports."""
    for name in _installed(list(_BEGIN)):
        figures = []
        for processes, called in ((1, "1 process"), (8, "8 processes")):
            median, tail = _costs(name, processes)
            figures.append(f"{called}: median {median:.1f} us, p99 {tail:.1f} us")
        print(f"log, {name}: " + "; ".join(figures))
    imports = _installed(["sweepd", "wandb", "mlflow"])
    print("import: " + ", ".join(f"{name} {1000 * _import_seconds(name):.0f} ms CPU" for name in imports))


if __name__ == "__main__":
    main()
