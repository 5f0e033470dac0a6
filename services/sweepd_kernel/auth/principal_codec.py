"""Codec of principals: as messages of the contract, and as metadata of calls between services."""

from google.protobuf.message import DecodeError

from sweepd.v1 import account_pb2
from sweepd_kernel.auth.principal import Bounds, Principal
from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.errors import BadTokenError

PRINCIPAL_KEY = "sweepd-principal-bin"
"""Metadata key of the person on whose behalf a service calls another service."""

SCOPES = {scope: account_pb2.TokenScope.Value(f"TOKEN_SCOPE_{scope.name}") for scope in Scope}
SCOPES_READ = {value: scope for scope, value in SCOPES.items()}


def encode_principal(principal: Principal) -> bytes:
    """Encode a person as the metadata value of `PRINCIPAL_KEY`."""
    return principal_message(principal).SerializeToString()


def principal_message(principal: Principal) -> account_pb2.Principal:
    """Return a person as a message, without the expiry."""
    return account_pb2.Principal(
        account=principal.name,
        scope=SCOPES[principal.scope],
        projects=sorted(principal.bounds.places),
        token_id=principal.token,
    )


def decode_principal(content: str | bytes) -> Principal:
    """Decode a person from the metadata value that another service has sent.

    Raises:
        BadTokenError: the content does not identify a person.
    """
    message = account_pb2.Principal()
    try:
        message.ParseFromString(content if isinstance(content, bytes) else content.encode())
    except DecodeError:
        raise BadTokenError("a service sent a malformed principal") from None
    return person_of(message)


def person_of(message: account_pb2.Principal, *, expires: float | None = None) -> Principal:
    """Return the person in a message.

    Raises:
        BadTokenError: the message has no account, or an unknown scope.
    """
    scope = SCOPES_READ.get(message.scope)
    if not message.account or scope is None:
        raise BadTokenError("a service sent a principal without an account or a known scope")
    return Principal(
        message.account, "person", scope, Bounds(frozenset(message.projects)), message.token_id, expires
    )
