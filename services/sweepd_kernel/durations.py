"""Durations as flags of a service."""

import argparse

from sweepd.durations import parse_duration


def duration(text: str) -> float:
    """Return the seconds of a flag; for `add_argument(type=duration)`."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
