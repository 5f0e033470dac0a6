"""Requests of the last day and their responses: one that is repeated has the response of the first.

The database keeps them; memory holds those of one batch of decisions. Each account has a quota, and one in
each project, so that none can take the room of others, and nothing is forgotten before its day has passed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_scheduler.domain.events import SECOND, ClockReading
from sweepd_scheduler.domain.undo_log import UndoLog

_REQUEST_BYTES = 150
"""Of a stored request besides its names and its response."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request: ids are known within one account and project only.

    `project` is empty, or stands for the projects of the caller's token, where a call concerns none by name.
    """

    account: str
    project: str
    request_id: str

    @property
    def owner(self) -> tuple[str, str]:
        """Account and project."""
        return (self.account, self.project)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A request and its response in the form in which that is kept, for the case that it is repeated.

    `time` is microseconds on the clock by which requests age.
    """

    key: RequestKey
    fingerprint: bytes
    response: bytes
    time: int

    @property
    def size_bytes(self) -> int:
        """Size that counts for quotas: on disk, rows and their indexes included."""
        names = (self.key.account, self.key.project, self.key.request_id)
        return _REQUEST_BYTES + 3 * sum(len(name.encode()) for name in names) + len(self.response)


DAY = 24 * 3600 * SECOND
"""Microseconds for which a request is remembered."""

QUOTA_BYTES = 128 * 1024 * 1024
"""For the requests of one account in one project: 100,000 a day with responses of a kilobyte."""

ACCOUNT_BYTES = 256 * 1024 * 1024
"""For those of one account in all of its projects, whose number nothing bounds."""

TOTAL_BYTES = 1024 * 1024 * 1024
"""For all requests together."""

Owner = tuple[str, str]
"""Account and project whose quota a request is charged to."""

EVERYBODY: Owner = ("", "")
"""Stands for all accounts and projects together; no account has an empty name."""

ALL_PROJECTS = "*"
"""Stands for the projects of an account together; no project has this name."""


def charged(key: RequestKey) -> tuple[Owner, Owner, Owner]:
    """Return whose quotas a request is charged to: the account in the project, the account, everybody."""
    return key.owner, (key.account, ALL_PROJECTS), EVERYBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """A request as it is recognised when it is repeated. `fingerprint`: of the whole call."""

    key: RequestKey
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """The part of a quota that is taken. `oldest`: time of the request that is forgotten first."""

    size_bytes: int
    oldest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """Content of the database about the requests of a batch, and the quotas that they are charged to."""

    requests: Mapping[RequestKey, Remembered] = field(default_factory=dict)
    used: Mapping[Owner, Used] = field(default_factory=dict)


class RequestIdReusedError(DomainError):
    """The request id belongs to another call."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request id {request_id!r} was used for another call",
            status=Status.FAILED_PRECONDITION,
            reason=Reason.REQUEST_ID_REUSED,
            metadata={"request_id": request_id},
        )


class RequestQuotaError(DomainError):
    """No room is left for another response; what is remembered keeps its room until its day has passed."""

    def __init__(self, owner: Owner, quota: int, wait: float) -> None:
        account, project = owner
        where = "" if project == ALL_PROJECTS else f" in {project or 'no project'}"
        whose = f"account {account}{where}" if account else "all accounts together"
        hours, minutes = divmod(int(wait / 60) + 1, 60)
        super().__init__(
            f"the responses of the last 24 h for {whose} fill their {quota >> 20} MiB, so no other one can"
            f" be remembered; the first of them are forgotten in {hours} h {minutes} min."
            " A call without a request id is still carried out",
            status=Status.RESOURCE_EXHAUSTED,
            reason=Reason.REQUEST_QUOTA,
            metadata={"account": account, "project": project, "quota_bytes": str(quota)},
            retry_after=wait,
        )


class RememberedRequests:
    """The requests of one batch; what is added is staged until the undo log is kept.

    Time is that of the newest stored request plus what this process has run since: a wall clock that jumps
    forgets nothing early, and while the scheduler is down nothing ages.
    """

    def __init__(
        self,
        undo_log: UndoLog,
        *,
        quota: int = QUOTA_BYTES,
        account: int = ACCOUNT_BYTES,
        total: int = TOTAL_BYTES,
    ) -> None:
        self._undo_log = undo_log
        self._quotas = (quota, account, total)
        self._known: dict[RequestKey, Remembered] = {}
        self._used: dict[Owner, Used] = {}
        self._unreadable: DomainError | None = None
        self._start = 0
        self._started = 0.0

    def restore(self, newest: int, now: ClockReading) -> None:
        """Begin to count time.

        Args:
            newest: time of the newest request that is stored; 0: there is none.
            now: the present.
        """
        self._start = newest or now.wall
        self._started = now.monotonic

    def time(self, now: ClockReading) -> int:
        """Return the time by which requests age, in microseconds."""
        return self._start + int((now.monotonic - self._started) * SECOND)

    def begin(self, found: Recollection) -> None:
        """Begin a batch with what the database holds about its requests."""
        self._known = dict(found.requests)
        self._used = dict(found.used)
        self._unreadable = None

    def refuse(self, error: DomainError) -> None:
        """Begin a batch whose requests cannot be looked up."""
        self._unreadable = error

    def response_to(self, repeatable: Repeatable | None) -> bytes | None:
        """Return the first response to a request; None if it is new.

        Raises:
            RequestIdReusedError: its id was used for another call.
            DomainError: whether it is new cannot be known at present.
        """
        if repeatable is None:
            return None
        if self._unreadable is not None:
            raise self._unreadable
        known = self._known.get(repeatable.key)
        if known is None:
            return None
        if known.fingerprint != repeatable.fingerprint:
            raise RequestIdReusedError(known.key.request_id)
        return known.response

    def remember(self, repeatable: Repeatable, response: bytes, now: ClockReading) -> Remembered:
        """Stage a response, and return what is to be stored of it.

        Raises:
            RequestQuotaError: there is no room for it.
        """
        time = self.time(now)
        remembered = Remembered(
            key=repeatable.key, fingerprint=repeatable.fingerprint, response=response, time=time
        )
        for owner, quota in zip(charged(remembered.key), self._quotas, strict=True):
            used = self._used.get(owner) or Used(size_bytes=0, oldest=time)
            if used.size_bytes + remembered.size_bytes > quota:
                raise RequestQuotaError(owner, quota, max(1.0, (used.oldest + DAY - time) / SECOND))
            after = Used(size_bytes=used.size_bytes + remembered.size_bytes, oldest=used.oldest)
            self._undo_log.put(self._used, owner, after)
        self._undo_log.put(self._known, remembered.key, remembered)
        return remembered
