"""Page tokens continue only the list that they came from."""

from __future__ import annotations

import base64

import pytest

from sweepd import v1
from sweepd_kernel.errors import InvalidFieldError
from sweepd_metric_store import codec
from sweepd_metric_store.ports import Position

HERE = Position(run_id=3, key="loss/ключ", attempt=2, row=2**40)
ASKED = v1.GetHistoryRequest(sweep="e/p/s", max_points=5)


def test_a_token_is_decoded_to_its_position() -> None:
    again = v1.GetHistoryRequest(sweep="e/p/s", max_points=5, page_token="whatever")
    assert codec.position(codec.next_page_token(HERE, ASKED), again) == HERE


def test_the_last_page_has_no_token_and_no_token_means_the_first_page() -> None:
    assert codec.next_page_token(None, ASKED) == ""
    assert codec.position("", ASKED) == Position()


@pytest.mark.parametrize(
    "token", ["nonsense", "é", "AAAA", codec.next_page_token(HERE, v1.GetHistoryRequest(sweep="e/p/other"))]
)
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidFieldError, match="page_token"):
        codec.position(token, ASKED)


def forged(place: str, request: v1.ListFilesRequest) -> str:
    """Return a token that anyone could make, as it contains no secret."""
    honest = base64.urlsafe_b64decode(codec.next_page_token(HERE, request))
    return base64.urlsafe_b64encode(honest[:9] + place.encode()).decode()


@pytest.mark.parametrize(
    "place",
    [
        '[-1, "", 0, 0]',
        f'[{-(10**30)}, "", 0, 0]',
        f'[0, "", 0, {2**63}]',
        f'[0, "", {10**30}, 0]',
        '[0, "\\ud800", 0, 0]',
        "[" * 100_000,
    ],
)
def test_a_forged_token_is_refused_before_the_database_is_read(place: str) -> None:
    asked = v1.ListFilesRequest(run="e/p/s-1")
    with pytest.raises(InvalidFieldError, match="page_token"):
        codec.position(forged(place, asked), asked)
