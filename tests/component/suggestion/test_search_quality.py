"""The search finds better points than random search in as many runs: a short form of the benchmark."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FLAGS = ("--seeds", "3", "--runs", "25", "--only", "model")


def test_the_median_regret_is_half_of_that_of_chance_or_less() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.search_quality", *FLAGS],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    ratios = {line["problem"]: line["ratio_to_random"] for line in lines if line["searcher"] == "model"}
    assert len(ratios) == 6
    assert {problem for problem, ratio in ratios.items() if ratio > 0.5} == set()
