"""Parsers of flags for argparse."""

import argparse
from collections.abc import Callable
from typing import TypeVar

Parsed = TypeVar("Parsed")


def for_flag(parse_text: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """Return a parser for argparse, which prints the message of a ValueError together with the usage."""

    def checked(text: str) -> Parsed:
        try:
            return parse_text(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked
