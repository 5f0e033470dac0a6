"""Presenting a token."""

import pytest

from sweepd.rpc.channel import bearer


def test_a_token_is_sent_unchanged() -> None:
    assert bearer("swp_a-b") == ("authorization", "Bearer swp_a-b")


@pytest.mark.parametrize("token", ["swp_sécret", "swp_secret\nswp_secret", "swp_secret\0"])
def test_a_token_that_metadata_cannot_carry_is_replaced_by_one_that_the_server_refuses(token: str) -> None:
    """Otherwise gRPC refuses the call as `Invalid metadata`, and itself writes to stderr."""
    _, value = bearer(token)
    assert value.isascii()
    assert value.isprintable()
    assert "swp_" not in value
