"""`python -m benchmarks [NAME ...]`: runs the benchmarks and prints their figures."""

from __future__ import annotations

import argparse

from benchmarks import beside, hand_out, language, light, log_cost, metric_store, prior_runs, search_quality

NAMES = ("light", "log-cost", "hand-out", "beside", "prior-runs", "metric-store", "language", "search")


def main() -> None:
    """Run the requested benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"benchmarks to run: {', '.join(NAMES)}; default: all"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="duration of each measurement")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"unknown benchmarks: {', '.join(sorted(unknown))}")
    wanted = options.names or NAMES
    if "light" in wanted:
        light.main()
    if "log-cost" in wanted:
        log_cost.main()
    if "hand-out" in wanted:
        hand_out.main(options.seconds)
    if "beside" in wanted:
        beside.main()
    if "prior-runs" in wanted:
        prior_runs.main(options.seconds)
    if "metric-store" in wanted:
        metric_store.main(options.seconds)
    if "language" in wanted:
        language.main()
    if "search" in wanted:
        search_quality.main([])


if __name__ == "__main__":
    main()
