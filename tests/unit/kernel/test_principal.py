"""Who is let in, and as whom."""

import contextvars

import pytest

from sweepd_kernel.errors import BadTokenError, NotAllowedError
from sweepd_kernel.principal import Authenticator, Principal, current_principal, enter, require_service

DOOR = Authenticator(service_token="service-secret", access_token="people-secret")
INNER = Authenticator(service_token="service-secret", access_token=None)


def bearer(token: str, **more: str) -> dict[str, str]:
    return {
        "authorization": f"Bearer {token}",
        **{key.replace("_", "-"): value for key, value in more.items()},
    }


def test_the_service_token_makes_a_service() -> None:
    assert DOOR.principal(bearer("service-secret")) == Principal("service", "service")


def test_a_service_may_speak_for_a_person() -> None:
    told = bearer("service-secret", sweepd_principal="owner")
    assert INNER.principal(told) == Principal("owner", "owner")


def test_the_access_token_makes_a_person_whatever_else_is_claimed() -> None:
    claimed = bearer("people-secret", sweepd_principal="service")
    assert DOOR.principal(claimed) == Principal("owner", "owner")


def test_the_access_token_is_unknown_where_only_services_are_let_in() -> None:
    with pytest.raises(BadTokenError):
        INNER.principal(bearer("people-secret"))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic service-secret"},
        {"authorization": "service-secret"},
        {"authorization": "Bearer sërvice"},
    ],
)
def test_everyone_else_is_refused_without_a_word_of_the_token(metadata: dict[str, str]) -> None:
    with pytest.raises(BadTokenError) as caught:
        DOOR.principal(metadata)
    assert "secret" not in caught.value.message


def test_a_call_for_services_refuses_people() -> None:
    def as_person() -> None:
        enter(Principal("owner", "owner"))
        assert current_principal().name == "owner"
        with pytest.raises(NotAllowedError):
            require_service("X/Y")

    def as_service() -> None:
        enter(Principal("service", "service"))
        require_service("X/Y")

    contextvars.copy_context().run(as_person)
    contextvars.copy_context().run(as_service)
