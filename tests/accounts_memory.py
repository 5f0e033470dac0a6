"""In-memory store of accounts."""

from collections.abc import Sequence

from sweepd_kernel.errors import StorageError
from sweepd_scheduler.domain.account import Loaded, Token, TokenCreation
from sweepd_scheduler.domain.names import Parent


class MemoryAccounts:
    """Store in dictionaries; while `unavailable`, writes fail as on a full disk."""

    def __init__(self) -> None:
        self.unavailable = False
        self._tokens: dict[str, Token] = {}
        self._made: dict[bytes, TokenCreation] = {}
        self._entities: dict[str, int] = {}
        self._projects: dict[Parent, int] = {}

    def load(self) -> Loaded:
        """Return the contents of the store."""
        return Loaded(
            tokens=sorted(self._tokens.values(), key=lambda token: token.number),
            made=sorted(self._made.values(), key=lambda made: made.time),
            entities=list(self._entities.items()),
            projects=list(self._projects.items()),
        )

    def put_token(self, token: Token, made: TokenCreation | None, forget_before: int) -> None:
        """Store a new or changed token, and the request that created it; delete old requests."""
        self._require_available()
        self._tokens[token.id] = token
        if made is not None:
            self._made[made.request] = made
        self._delete_requests(forget_before)

    def forget(self, tokens: Sequence[str], made_before: int) -> None:
        """Delete tokens, and requests older than a time."""
        self._require_available()
        for each in tokens:
            self._tokens.pop(each, None)
        self._delete_requests(made_before)

    def put_entity(self, name: str, now: int) -> None:
        """Store an entity."""
        self._require_available()
        self._entities.setdefault(name, now)

    def put_project(self, name: Parent, now: int) -> None:
        """Store a project."""
        self._require_available()
        self._projects.setdefault(name, now)

    def close(self) -> None:
        """Do nothing: the store remains usable."""

    def _require_available(self) -> None:
        if self.unavailable:
            raise StorageError("scheduler", "memory", "the test makes it fail", full=True)

    def _delete_requests(self, before: int) -> None:
        self._made = {key: made for key, made in self._made.items() if made.time >= before}
