"""Conversion of what a column of the accounts holds in another form than its field."""

import json
from collections.abc import Set as AbstractSet


def places_text(places: AbstractSet[str]) -> str:
    """Return the projects and entities that a token is bound to as they are stored."""
    return json.dumps(sorted(places))


def places_of(text: str) -> frozenset[str]:
    """Return the places of a stored text."""
    return frozenset(json.loads(text))
