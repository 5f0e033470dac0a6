"""Authorisation: the scope that a call needs, and the bounds in which the names of its request lie."""

from collections.abc import Iterator

from google.protobuf.message import Message

from sweepd_kernel.auth.principal import Principal
from sweepd_kernel.auth.scopes import Rule, rule_of
from sweepd_kernel.errors import NotAllowedError, NotFoundError


def check_scope(principal: Principal, method: str) -> None:
    """Refuse a caller whose token does not allow a call.

    Raises:
        NotAllowedError: naming the scope that would.
    """
    if principal.kind == "service":
        return
    rule = rule_of(method)
    if not rule.allows(principal.scope):
        raise NotAllowedError(
            method.removeprefix("/"), what=rule.what, needed=rule.needed, given=str(principal.scope)
        )


def check_names(principal: Principal, rule: Rule, request: object) -> None:
    """Refuse names outside the caller's bounds as names that do not exist, before anything is looked up.

    Raises:
        NotFoundError: as for what does not exist.
    """
    if principal.bounds.everywhere or not rule.names or not isinstance(request, Message):
        return
    for path in rule.names:
        for name in _named(request, path):
            if name and not principal.bounds.covers_name(name):
                raise NotFoundError(canonical(name))


def canonical(name: str) -> str:
    """Return a name as answers give it: a run by its alias `SWEEP:7` is `SWEEP-7`."""
    sweep, colon, number = name.rpartition(":")
    return f"{sweep}-{number}" if colon and number.isdecimal() else f"{name:.200}"


def _named(message: Message, path: str) -> Iterator[str]:
    first, _, rest = path.partition(".")
    if first not in message.DESCRIPTOR.fields_by_name:  # of a contract that does not have it yet, or no more
        return
    value: object = getattr(message, first)
    if isinstance(value, str):
        yield value
    elif isinstance(value, Message):
        yield from _named(value, rest)
    else:
        yield from value  # type: ignore[misc]  # a repeated field
