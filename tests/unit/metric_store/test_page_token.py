"""Page tokens open only the list that they came from."""

from __future__ import annotations

import pytest

from sweepd import v1
from sweepd_kernel.errors import InvalidFieldError
from sweepd_metric_store import page_token
from sweepd_metric_store.ports import Position

HERE = Position(run_id=3, key="loss/ключ", attempt=2, row=2**40)
ASKED = v1.GetHistoryRequest(sweep="e/p/s", max_points=5)


def test_a_token_leads_back_to_its_position() -> None:
    again = v1.GetHistoryRequest(sweep="e/p/s", max_points=5, page_token="whatever")
    assert page_token.decoded(page_token.encoded(HERE, ASKED), again) == HERE


def test_the_end_has_no_token_and_no_token_is_the_start() -> None:
    assert page_token.encoded(None, ASKED) == ""
    assert page_token.decoded("", ASKED) == Position()


@pytest.mark.parametrize(
    "token", ["nonsense", "é", "AAAA", page_token.encoded(HERE, v1.GetHistoryRequest(sweep="e/p/other"))]
)
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(InvalidFieldError, match="page_token"):
        page_token.decoded(token, ASKED)
