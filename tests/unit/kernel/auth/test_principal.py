"""Authentication of callers, and the principals they become."""

import asyncio
import contextvars

import pytest

from sweepd_kernel.auth.authenticator import Authenticator, Credentials, digest_of
from sweepd_kernel.auth.principal import (
    FULL_ACCESS,
    SERVICE,
    Bounds,
    Principal,
    current_principal,
    require_service,
    set_current_principal,
)
from sweepd_kernel.auth.principal_codec import decode_principal, encode_principal
from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.errors import BadTokenError, NotAllowedError, UnavailableError

SECRET = "swp_" + "a" * 43
READER = Principal("ada", "person", Scope.READ, Bounds(frozenset({"acme/mnist"})), "k3x9v2ab4cde")


class OneToken:
    """Tokens of which one is valid."""

    async def principal(self, digest: bytes) -> Principal:
        if digest != digest_of(SECRET):
            raise BadTokenError("the token is not one of this server's")
        return READER


GATEWAY = Authenticator(service_token="service-secret", access_token="people-secret", tokens=OneToken())
INNER = Authenticator(service_token="service-secret", access_token=None)


def authenticated(authenticator: Authenticator, metadata: dict[str, str | bytes]) -> Principal:
    return asyncio.run(authenticator.principal(Credentials.read(metadata)))


def bearer(token: str, **more: str | bytes) -> dict[str, str | bytes]:
    return {
        "authorization": f"Bearer {token}",
        **{key.replace("_", "-"): value for key, value in more.items()},
    }


def test_the_service_token_authenticates_a_service() -> None:
    assert authenticated(GATEWAY, bearer("service-secret")) == SERVICE


@pytest.mark.parametrize("who", [FULL_ACCESS, READER])
def test_a_service_may_act_for_a_principal(who: Principal) -> None:
    assert authenticated(INNER, bearer("service-secret", sweepd_principal_bin=encode_principal(who))) == who


@pytest.mark.parametrize("header", [b"", b"\xff\xff", "owner", b"\x0a\x03ada"])
def test_a_service_with_an_invalid_principal_is_refused(header: str | bytes) -> None:
    with pytest.raises(BadTokenError):
        decode_principal(header)


def test_a_token_decides_the_principal_whatever_the_metadata_claims() -> None:
    claim = encode_principal(FULL_ACCESS)
    assert (
        authenticated(GATEWAY, bearer("people-secret", sweepd_principal_bin=encode_principal(READER)))
        == FULL_ACCESS
    )
    assert authenticated(GATEWAY, bearer(SECRET, sweepd_principal_bin=claim)) == READER


def test_a_server_for_services_only_refuses_tokens_of_users() -> None:
    for token in ("people-secret", SECRET):
        with pytest.raises(BadTokenError):
            authenticated(INNER, bearer(token))


def test_a_token_is_not_refused_as_unknown_before_tokens_can_be_checked() -> None:
    opening = Authenticator(service_token="service-secret", access_token="people-secret")
    with pytest.raises(UnavailableError):
        authenticated(opening, bearer(SECRET))
    assert authenticated(opening, bearer("people-secret")) == FULL_ACCESS


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"authorization": ""},
        {"authorization": b"Bearer people-secret"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic service-secret"},
        {"authorization": "service-secret"},
        {"authorization": "Bearer sërvice"},
        {"authorization": f"Bearer {SECRET}a"},
        {"authorization": f"Bearer {SECRET[:-1]}b"},
        {"authorization": f"Bearer {digest_of(SECRET).hex()}"},
        {"authorization": "Bearer " + "x" * 100_000},
    ],
)
def test_invalid_credentials_are_refused_without_repeating_the_token(
    metadata: dict[str, str | bytes],
) -> None:
    with pytest.raises(BadTokenError) as caught:
        authenticated(GATEWAY, metadata)
    assert "secret" not in caught.value.message
    assert "swp_" not in caught.value.message


def test_a_call_for_services_refuses_users() -> None:
    def as_client() -> None:
        set_current_principal(FULL_ACCESS)
        assert current_principal().name == "owner"
        with pytest.raises(NotAllowedError):
            require_service("X/Y")

    def as_service() -> None:
        set_current_principal(SERVICE)
        require_service("X/Y")

    contextvars.copy_context().run(as_client)
    contextvars.copy_context().run(as_service)
