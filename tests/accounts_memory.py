"""A store of accounts without a disk, for tests."""

from collections.abc import Sequence

from sweepd_kernel.errors import StorageError
from sweepd_scheduler.domain.account import Loaded, Made, Token
from sweepd_scheduler.domain.names import Parent


class MemoryAccounts:
    """The store; `away` makes writes fail as a full disk does."""

    def __init__(self) -> None:
        self.away = False
        self._tokens: dict[str, Token] = {}
        self._made: dict[bytes, Made] = {}
        self._entities: dict[str, int] = {}
        self._projects: dict[Parent, int] = {}

    def load(self) -> Loaded:
        """Return what is kept."""
        return Loaded(
            tokens=sorted(self._tokens.values(), key=lambda token: token.number),
            made=sorted(self._made.values(), key=lambda made: made.time),
            entities=list(self._entities.items()),
            projects=list(self._projects.items()),
        )

    def put_token(self, token: Token, made: Made | None, forget_before: int) -> None:
        """Store a new or changed token."""
        self._check()
        self._tokens[token.id] = token
        if made is not None:
            self._made[made.request] = made
        self._forget_made(forget_before)

    def forget(self, tokens: Sequence[str], made_before: int) -> None:
        """Forget tokens, and what was made before a time."""
        self._check()
        for each in tokens:
            self._tokens.pop(each, None)
        self._forget_made(made_before)

    def put_entity(self, name: str, now: int) -> None:
        """Store an entity."""
        self._check()
        self._entities.setdefault(name, now)

    def put_project(self, name: Parent, now: int) -> None:
        """Store a project."""
        self._check()
        self._projects.setdefault(name, now)

    def close(self) -> None:
        """Forget nothing: a store is opened again by using it again."""

    def _check(self) -> None:
        if self.away:
            raise StorageError("scheduler", "memory", "it was told to fail", full=True)

    def _forget_made(self, before: int) -> None:
        self._made = {key: made for key, made in self._made.items() if made.time >= before}
