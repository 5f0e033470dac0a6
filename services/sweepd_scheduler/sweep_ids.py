"""Ids for sweeps that nobody has named."""

import secrets

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
LENGTH = 8
CANDIDATES = 8


def drawn_ids() -> tuple[str, ...]:
    """Return some ids, of which the first that is free is taken."""
    return tuple(
        # An id never looks like the name of a run, nor like a number.
        secrets.choice(LETTERS[:24]) + "".join(secrets.choice(LETTERS) for _ in range(LENGTH - 1))
        for _ in range(CANDIDATES)
    )
