"""A forged page token is refused, whatever its content."""

import base64

import pytest

from sweepd import v1
from sweepd_kernel.rpc import page_token

ASKED = v1.ListProjectsRequest(entity="acme")


def forged(key: str) -> str:
    """Return a token that anyone could make, as it contains no secret."""
    honest = base64.urlsafe_b64decode(page_token.encoded(["x"], ASKED))
    return base64.urlsafe_b64encode(honest.removesuffix(b'["x"]') + key.encode()).decode()


def test_a_token_is_decoded_to_its_sort_key() -> None:
    assert page_token.decoded(forged('["acme/mnist", 7, 0.5]'), ASKED) == ["acme/mnist", 7, 0.5]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "7",
        "[-1]",
        f"[{2**63}]",
        "[NaN]",
        "[[1]]",
        "[null]",
        "[true]",
        f"[{10**30}]",
        '["\\ud800"]',
        "[" * 100_000,
    ],
)
def test_a_token_that_was_never_issued_is_refused(key: str) -> None:
    with pytest.raises(page_token.BadPageTokenError):
        page_token.decoded(forged(key), ASKED)
