"""`python -m mutants`: changes the pure cores in places chosen by chance, and shows what no test notices."""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from mutants.session import Fate, MutationSession

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
JUDGED = Path(__file__).with_name("judged.txt")
"""Mutants as good as what they changed, one a line as they are shown, each under a comment with why."""
CORES = {
    "sweepd_scheduler.domain": ("unit/scheduler",),
    "sweepd_agent.core": ("unit/agent",),
    "sweepd.spec": ("unit/spec", "unit/codec"),
    "sweepd_metric_store.domain": ("unit/metric_store", "conformance/metric_store"),
    "sweepd_suggestion.domain": ("unit/suggestion",),
}


def main() -> int:
    """Try mutants of each core; exit with 1 if one in ten or more survives."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="mutants in all; 0: every one (300)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="chooses the sample")
    parser.add_argument("--core", choices=CORES, action="append", help="only this one; repeatable")
    chosen = parser.parse_args()
    cores = chosen.core or list(CORES)
    judged = {line for line in JUDGED.read_text().splitlines() if line and not line.startswith("#")}
    _say(f"seed {chosen.seed}")
    total = Counter[str]()
    for core in cores:
        sample = -(-chosen.sample // len(cores)) if chosen.sample else sys.maxsize
        total += _tried(core, sample, chosen.seed, judged)
    alive = total[Fate.SURVIVED] + total[Fate.UNTESTED]
    _say(f"{total.total()} mutants, {alive} unnoticed, {total['judged']} judged harmless")
    return 1 if alive * 10 >= total.total() else 0


def _tried(core: str, sample: int, seed: int, judged: set[str]) -> Counter[str]:
    """Try a sample of one core in a process of its own: modules are changed in place."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(reading)
        with open(writing, "w") as told:  # noqa: PTH123 - a pipe
            told.write("\n".join(_lines(core, sample, seed)))
            told.flush()
        os._exit(0)
    os.close(writing)
    with open(reading) as telling:  # noqa: PTH123 - a pipe
        lines = telling.read().splitlines()
    if os.waitpid(pid, 0)[1] or not lines:
        raise SystemExit(f"the mutants of {core} could not be tried")
    fates = Counter[str]()
    for line in lines:
        fate, _, description = line.partition("\t")
        where, _, text = description.partition("\t")
        unnoticed = fate != Fate.KILLED
        fates["judged" if unnoticed and text in judged else fate] += 1
        if unnoticed and text not in judged:
            _say(f"{fate}: {where} {text}")
    _say(f"{core}: {fates.total()} mutants, {dict(fates)}")
    return fates


def _lines(core: str, sample: int, seed: int) -> list[str]:
    spec = find_spec(core)
    assert spec is not None
    assert spec.origin is not None
    session = MutationSession(Path(spec.origin).parent, sample, seed)
    paths = [str(TESTS / folder) for folder in CORES[core]]
    ended = pytest.main(
        ["-qq", "-n0", "--no-summary", "--no-header", "-p", "no:cacheprovider", *paths], plugins=[session]
    )
    for name in session.failing:
        sys.stderr.write(f"{name} fails without any mutant, and is left out\n")
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return []
    return [
        f"{fate}\t{mutant.path.relative_to(ROOT)}:{mutant.line}\t{mutant.described(ROOT)}"
        for mutant, fate in session.fates
    ]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
