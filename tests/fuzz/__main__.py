"""`make fuzz`: tries mutated files for some minutes, keeps those that crash, and exits with 1 if any did."""

import argparse
import resource
import secrets
import sys
import time

from fuzz.fuzzing import Fuzzing

_MOST_BYTES = 1_500 * 1024 * 1024


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=None, help="repeats a search; else it is drawn")
    options = parser.parse_args()
    seed = secrets.randbits(31) if options.seed is None else options.seed
    # Excessive memory use becomes an error that is found, instead of blocking the machine.
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    end = time.monotonic() + options.minutes * 60
    fuzzing = Fuzzing(seed)
    found = 0
    for crash in fuzzing.crashes(lambda: time.monotonic() < end):
        found += 1
        sys.stdout.write(f"{crash.trace}kept as {crash.keep()}\n\n")
        sys.stdout.flush()
    kinds = "1 kind of crash" if found == 1 else f"{found} kinds of crash"
    sys.stdout.write(f"{fuzzing.tried:,} files in {options.minutes:g} min with seed {seed}: {kinds}.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
