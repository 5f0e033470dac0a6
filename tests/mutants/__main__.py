"""`python -m mutants`: mutate the pure cores at random places, and list the mutants that no test detects."""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

import pytest

from mutants.mutations import Mutant
from mutants.session import Fate, MutationSession

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
JUDGED = Path(__file__).with_name("judged.txt")
"""Mutants equivalent to the original, one per line as printed, each below a comment with the reason."""
_FITTING = ("forest", "gaussian_process", "importance", "odd_spaces", "prior_runs", "constrained_spaces")
"""Tests that fit models: pure like unit tests, but slow."""
CORES = {
    "sweepd_scheduler.domain": ("unit/scheduler",),
    "sweepd_agent.core": ("unit/agent",),
    "sweepd.spec": ("unit/spec", "unit/codec"),
    "sweepd_metric_store.domain": ("unit/metric_store", "conformance/metric_store"),
    "sweepd_suggestion.domain": (
        "unit/suggestion",
        *(f"component/suggestion/test_{name}.py" for name in _FITTING),
    ),
}


def main() -> int:
    """Test mutants of each core; exit with 1 if one in ten or more survives."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="mutants in all; 0: every one (300)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="chooses the sample")
    parser.add_argument("--core", choices=CORES, action="append", help="only this one; repeatable")
    chosen = parser.parse_args()
    cores = chosen.core or list(CORES)
    judged = {line for line in JUDGED.read_text().splitlines() if line and not line.startswith("#")}
    _print(f"seed {chosen.seed}")
    total = Counter[str]()
    for core in cores:
        sample = -(-chosen.sample // len(cores)) if chosen.sample else sys.maxsize
        total += _tried(core, sample, chosen.seed, judged)
    alive = total[Fate.SURVIVED] + total[Fate.UNTESTED]
    _print(
        f"{total.total()} mutants, {alive} unnoticed, {total['judged']} judged harmless, "
        f"{total[Fate.TIMED_OUT]} timed out"
    )
    return 1 if alive * 10 >= total.total() else 0


def _tried(core: str, sample: int, seed: int, judged: set[str]) -> Counter[str]:
    """Test a sample of one core in a separate process, as modules are changed in place."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(reading)
        with open(writing, "w", buffering=1) as outcomes:  # noqa: PTH123 - a pipe
            complete = _try(core, sample, seed, outcomes)
        os._exit(0 if complete else 1)
    os.close(writing)
    fates = Counter[str]()
    with open(reading) as outcomes:  # noqa: PTH123 - a pipe
        for line in outcomes:
            fate, where, text = line.rstrip("\n").split("\t", 2)
            unnoticed = fate not in (Fate.KILLED, Fate.TIMED_OUT)
            outcome = "judged" if unnoticed and text in judged else fate
            fates[outcome] += 1
            if outcome not in (Fate.KILLED, "judged"):
                _print(f"{outcome}: {where} {text}")
    if os.waitpid(pid, 0)[1]:
        raise SystemExit(f"the mutants of {core} could not be tried")
    _print(f"{core}: {fates.total()} mutants, {dict(fates)}")
    return fates


def _try(core: str, sample: int, seed: int, outcomes: TextIO) -> bool:
    """Test a sample, and write a line about each mutant; return True if all were tested."""
    spec = find_spec(core)
    assert spec is not None
    assert spec.origin is not None

    def report(mutant: Mutant, fate: Fate) -> None:
        place = f"{mutant.path.relative_to(ROOT)}:{mutant.line}"
        outcomes.write(f"{fate}\t{place}\t{mutant.described(ROOT)}\n")

    session = MutationSession(Path(spec.origin).parent, sample, seed, report)
    paths = [str(TESTS / folder) for folder in CORES[core]]
    ended = pytest.main(
        ["-qq", "-n0", "--no-summary", "--no-header", "-p", "no:cacheprovider", *paths], plugins=[session]
    )
    for name in session.failing:
        sys.stderr.write(f"{name} fails without any mutant, and is left out\n")
    return ended in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
