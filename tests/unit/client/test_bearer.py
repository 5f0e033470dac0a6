"""Presenting a token."""

import pytest

from sweepd.rpc.channel import bearer


def test_a_token_is_presented_as_it_is() -> None:
    assert bearer("swp_a-b") == ("authorization", "Bearer swp_a-b")


@pytest.mark.parametrize("token", ["swp_sécret", "swp_secret\nswp_secret", "swp_secret\0"])
def test_what_no_call_can_carry_stays_here_and_is_refused_as_any_wrong_token(token: str) -> None:
    """Otherwise gRPC refuses the call as `Invalid metadata`, and itself writes to stderr."""
    _, value = bearer(token)
    assert value.isascii()
    assert value.isprintable()
    assert "swp_" not in value
