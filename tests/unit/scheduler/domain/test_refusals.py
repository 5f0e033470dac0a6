"""Refused requests: a message for users, and names for programs."""

from collections.abc import Callable

import pytest

from sweepd_kernel.auth.principal import Bounds
from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.account import (
    BoundTokenError,
    TooManyPlacesError,
    TooManyTokensError,
    _shown,
)
from sweepd_scheduler.domain.agents.attach import StreamReplacedError, SweepEndedError
from sweepd_scheduler.domain.names import NameTakenError
from sweepd_scheduler.domain.requests.remembered import RequestIdReusedError
from sweepd_scheduler.domain.requests.requests import NotInMemoryError
from sweepd_scheduler.domain.requests.run_requests import CapReachedError
from sweepd_scheduler.domain.requests.sweep_requests import StaleRevisionError

NAME = "local/demo/s"
WITHIN = Bounds(places=frozenset({"local/demo"}))


@pytest.mark.parametrize(
    ("refused", "message", "metadata"),
    [
        (lambda: TooManyTokensError(), "there are 10000 valid tokens; revoke some first", {}),
        (lambda: TooManyPlacesError("there are 9 entities"), "there are 9 entities, and no more can be", {}),
        (
            lambda: BoundTokenError("an entity", "CreateEntity", WITHIN),
            "creating an entity needs a token without project restriction, and this one is restricted to",
            {"method": "sweepd.v1.AccountService/CreateEntity", "scope": "admin"},
        ),
        (
            lambda: StreamReplacedError("ann"),
            "agent ann has attached again; this stream is",
            {"agent": "ann"},
        ),
        (lambda: StreamReplacedError("ann", by="bob"), "agent bob took over runs of ann", {"agent": "ann"}),
        (
            lambda: SweepEndedError(NAME, "failed"),
            "local/demo/s hands out no more runs; its state is failed",
            {"name": NAME, "state": "failed"},
        ),
        (lambda: NameTakenError(NAME), "local/demo/s exists already", {"name": NAME}),
        (
            lambda: RequestIdReusedError("r"),
            "request id 'r' was already used for another call",
            {"request_id": "r"},
        ),
        (lambda: NotInMemoryError(NAME), "local/demo/s changes too fast; try again", {}),
        (
            lambda: CapReachedError(NAME, 9),
            "local/demo/s has reached its run_cap of 9 runs; raise it",
            {"name": NAME, "run_cap": "9"},
        ),
        (
            lambda: StaleRevisionError(NAME, 2, 3),
            "local/demo/s was edited meanwhile: expected revision 2, found 3",
            {"name": NAME, "revision": "3"},
        ),
    ],
)
def test_a_refusal_gives_its_reason(
    refused: Callable[[], DomainError], message: str, metadata: dict[str, str]
) -> None:
    error = refused()
    assert error.message.startswith(message)
    assert str(error) == error.message
    assert error.metadata == metadata


@pytest.mark.parametrize(
    ("count", "shown"), [(1, "p/0"), (3, "p/0, p/1, p/2"), (4, "p/0, p/1, p/2 and 1 more")]
)
def test_a_message_about_many_projects_names_the_first(count: int, shown: str) -> None:
    assert _shown(Bounds(places=frozenset(f"p/{number}" for number in range(count)))) == shown
