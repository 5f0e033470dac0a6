"""A page token that somebody made is refused, whatever is in it."""

import base64

import pytest

from sweepd import v1
from sweepd_scheduler import page_token

ASKED = v1.ListProjectsRequest(entity="acme")


def forged(place: str) -> str:
    """A token that anyone can make: it carries no secret."""
    honest = base64.urlsafe_b64decode(page_token.encoded(["x"], ASKED))
    return base64.urlsafe_b64encode(honest.removesuffix(b'["x"]') + place.encode()).decode()


def test_a_token_leads_back_to_its_place() -> None:
    assert page_token.decoded(forged('["acme/mnist", 7, 0.5]'), ASKED) == ["acme/mnist", 7, 0.5]


@pytest.mark.parametrize("place", ["", "7", "[-1]", f"[{2**63}]", "[NaN]", "[[1]]", "[null]", "[" * 100_000])
def test_what_no_answer_gave_is_refused(place: str) -> None:
    with pytest.raises(page_token.BadTokenError):
        page_token.decoded(forged(place), ASKED)
