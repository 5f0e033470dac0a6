"""`python -m benchmarks [NAME ...]`: runs the benchmarks and prints their figures."""

from __future__ import annotations

import argparse

from benchmarks import hand_out, light

BENCHMARKS = ("light", "hand-out")


def main() -> None:
    """Run what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*BENCHMARKS, []], help="which ones; all if none is named"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each figure is measured")
    options = parser.parse_args()
    wanted = options.names or BENCHMARKS
    if "light" in wanted:
        light.main()
    if "hand-out" in wanted:
        hand_out.main(options.seconds)


if __name__ == "__main__":
    main()
