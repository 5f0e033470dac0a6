"""Formatting of words and values in messages, and suggestions for misspelt words."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final

_MIN_ABBREVIATION: Final = 3
_MAX_NEIGHBOURS: Final = 300
"""Maximum number of words compared with a misspelt one, to bound the time that many errors take."""

_SYNONYMS: Final = {
    **dict.fromkeys(
        ("count", "max_runs", "num_runs", "max_trials", "num_trials", "n_trials", "trials"), "run_cap"
    ),
    **dict.fromkeys(("early_stop", "early_stopping"), "early_terminate"),
    **dict.fromkeys(("search_space", "space", "params"), "parameters"),
    **dict.fromkeys(("algorithm", "strategy"), "method"),
    **dict.fromkeys(("objective",), "metric"),
    **dict.fromkeys(("num_workers", "max_concurrent"), "max_parallel"),
    **dict.fromkeys(("script", "entrypoint"), "program"),
}
"""Keys of other tools and keys that users may expect, with their equivalents in a sweep file."""


def nearest(word: str, legal: Iterable[str]) -> str | None:
    """Return the legal word closest to a misspelt one, if any is close."""
    by_lower = {choice.lower(): choice for choice in islice(legal, _MAX_NEIGHBOURS)}
    # Compare only the start: matching is quadratic, and a very long word must not take long.
    start = word[:64].lower()
    found = _close_matches(start, by_lower, 3, 0.6)
    if not found and len(start) >= _MIN_ABBREVIATION:
        found = [choice for choice in by_lower if choice.startswith(start)]
    if not found:
        return None
    # Among close words, prefer one with the same start: for `retries`, suggest `retry`, not `metrics`.
    alike = [choice[:2] == start[:2] for choice in found]
    return by_lower[found[alike.index(True) if any(alike) else 0]]


def close(word: str, legal: Iterable[str]) -> str | None:
    """Return the legal word that a word almost certainly misspells, if any."""
    found = _close_matches(word[:64], islice(legal, _MAX_NEIGHBOURS), 1, 0.75)
    return found[0] if found else None


def likely_word(word: str, legal: Collection[str]) -> str | None:
    """Return the legal word most likely intended: the equivalent of another tool's key, or a close word."""
    known = _SYNONYMS.get(word.lower())
    return known if known in legal else nearest(word, legal)


def _close_matches(word: str, legal: Iterable[str], most: int, cutoff: float) -> list[str]:
    from difflib import get_close_matches  # imported lazily: agents rarely need it

    return get_close_matches(word, list(legal), n=most, cutoff=cutoff)


def shown(value: object, limit: int = 60) -> str:
    """Return a value as shortened text for a message."""
    text = f'"{value}"' if isinstance(value, str) else _as_written(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _as_written(value: object) -> str:
    """Return a value other than text as in a file; a list or mapping becomes `a list` or `a mapping`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() | int():
            return repr(value)
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


def printable(text: str) -> str:
    """Return text with control and format characters escaped, so that terminals do not interpret them."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")
        for char in text
    )


def unbounded_sentence(sweep: str) -> str:
    """Return the sentence that explains how to end an unbounded sweep."""
    return f"no run_cap: the sweep runs until it is stopped, by `Sweep.stop()` or `sweepctl stop {sweep}`"
