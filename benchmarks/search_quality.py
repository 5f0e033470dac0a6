"""Quality of a search: regret of the engine compared with random search and Optuna's TPE.

Run: python -m benchmarks.search_quality [--seeds 10] [--runs 40]. Prints, per problem, the median regret of
each searcher after all runs and its ratio to random's (below 1: better than random), and the time of
a suggestion.
"""

import argparse
import importlib
import importlib.util
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.search_by_tpe import by_tpe
from benchmarks.search_problems import PROBLEMS, Problem
from benchmarks.search_trace import Trace, median_regret, running_least
from sweepd_suggestion.domain.gaussian_process import answer
from sweepd_suggestion.domain.proposal import question
from sweepd_suggestion.domain.study import Ended, HandedOut, Outcome, Study


def by_model(problem: Problem, seed: int, runs: int) -> Trace:
    """Search by the Gaussian process of `bayes`, one run after the other."""
    study = Study(problem.spec(seed))
    losses: list[float] = []
    seconds: list[float] = []
    for run_number in range(1, runs + 1):
        began = time.perf_counter()
        (proposal,) = answer(question(study, run_number, 1))
        seconds.append(time.perf_counter() - began)
        loss = problem.loss(proposal.point)
        losses.append(loss)
        handed_out = HandedOut(run_number=run_number, point=proposal.point)
        ended = Ended(
            run_number=run_number, outcome=Outcome.FINISHED, value=loss, best=loss, worst=loss, last=loss
        )
        study.observe(study.known + 1, [handed_out, ended])
    return Trace(running_least(losses), seconds)


def by_chance(problem: Problem, seed: int, runs: int) -> Trace:
    """Search at random."""
    space = problem.spec(seed).search_space
    return Trace(running_least([problem.loss(space.random_point(seed, i)) for i in range(runs)]), [0.0])


def regrets(
    problem: Problem, search: Callable[[Problem, int, int], Trace], seeds: int, runs: int
) -> list[Trace]:
    """Return one trace per seed, with regrets (distances to the minimum) in place of losses."""
    traces = [search(problem, seed, runs) for seed in range(1, seeds + 1)]
    return [replace(trace, best=[best - problem.least for best in trace.best]) for trace in traces]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one JSON line per problem and searcher."""
    flags = argparse.ArgumentParser(description="Compare the searchers.")
    flags.add_argument("--seeds", type=int, default=10)
    flags.add_argument("--runs", type=int, default=40)
    flags.add_argument("--problem", choices=[problem.name for problem in PROBLEMS])
    flags.add_argument("--only", choices=["model"])
    chosen = flags.parse_args(arguments)
    searchers = {"random": by_chance, "model": by_model}
    if importlib.util.find_spec("optuna") is not None and chosen.only is None:
        searchers["optuna-tpe"] = by_tpe
    for problem in PROBLEMS:
        if chosen.problem not in (None, problem.name):
            continue
        chance = median_regret(regrets(problem, by_chance, chosen.seeds, chosen.runs))
        for name, search in searchers.items():
            traces = regrets(problem, search, chosen.seeds, chosen.runs)
            line = {
                "problem": problem.name,
                "searcher": name,
                "runs": chosen.runs,
                "seeds": chosen.seeds,
                "median_regret": float(f"{median_regret(traces):.3g}"),
                "ratio_to_random": float(f"{median_regret(traces) / chance:.3g}"),
                "worst_regret": float(f"{max(trace.best[-1] for trace in traces):.3g}"),
                "suggestion_ms": round(1000 * statistics.median(s for t in traces for s in t.seconds), 1),
                "slowest_ms": round(1000 * max(s for t in traces for s in t.seconds[5:] or [0.0]), 1),
            }
            print(json.dumps(line))


if __name__ == "__main__":
    main()
