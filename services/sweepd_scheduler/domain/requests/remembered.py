"""Requests of the last day and their responses: a duplicate gets the response to the first request.

The database stores all of them; memory holds only those of the current batch. Each account has a quota, in
total and per project, so that no account can use up the storage of others. No request is forgotten before
its day has passed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_scheduler.domain.events import SECOND, ClockReading
from sweepd_scheduler.domain.undo_log import UndoLog

_REQUEST_BYTES = 150
"""Size of a stored request without its names and its response."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Key of a request; a request id is unique only within one account and project.

    If a call names no project, `project` is empty, or a digest of the projects of the caller's token.
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
    """Stored request, with the response that a duplicate gets.

    `time`: microseconds on the request-age clock (see `RememberedRequests`).
    """

    key: RequestKey
    fingerprint: bytes
    response: bytes
    time: int

    @property
    def size_bytes(self) -> int:
        """Size on disk that counts towards quotas, rows and indices included."""
        names = (self.key.account, self.key.project, self.key.request_id)
        return _REQUEST_BYTES + 3 * sum(len(name.encode()) for name in names) + len(self.response)


DAY = 24 * 3600 * SECOND
"""Time for which a request is remembered, in microseconds."""

QUOTA_BYTES = 128 * 1024 * 1024
"""Quota of one account in one project: 100,000 requests a day with responses of a kilobyte."""

ACCOUNT_BYTES = 256 * 1024 * 1024
"""Quota of one account in all of its projects, whose number is unbounded."""

TOTAL_BYTES = 1024 * 1024 * 1024
"""Quota of all requests together."""

Owner = tuple[str, str]
"""Account and project whose quota a request is charged to."""

EVERYBODY: Owner = ("", "")
"""Owner that stands for all accounts and projects together; no account has an empty name."""

ALL_PROJECTS = "*"
"""Project name that stands for all projects of an account together; no project has this name."""


def charged(key: RequestKey) -> tuple[Owner, Owner, Owner]:
    """Return the owners whose quotas a request is charged to: account in a project, account, everybody."""
    return key.owner, (key.account, ALL_PROJECTS), EVERYBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """Identity of a request, by which duplicates are recognised. `fingerprint`: hash of the whole call."""

    key: RequestKey
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Used part of a quota. `oldest`: time of the oldest request, which is forgotten first."""

    size_bytes: int
    oldest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """Requests of a batch that are already stored, and the usage of the quotas that the batch needs."""

    requests: Mapping[RequestKey, Remembered] = field(default_factory=dict)
    used: Mapping[Owner, Used] = field(default_factory=dict)


class RequestIdReusedError(DomainError, status=Status.FAILED_PRECONDITION, reason=Reason.REQUEST_ID_REUSED):
    """The request id belongs to another call."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request id {request_id!r} was already used for another call",
            metadata={"request_id": request_id},
        )


class RequestQuotaError(DomainError, status=Status.RESOURCE_EXHAUSTED, reason=Reason.REQUEST_QUOTA):
    """A quota for remembered responses is used up; each response counts until its day has passed."""

    def __init__(self, owner: Owner, quota: int, wait: float) -> None:
        account, project = owner
        where = "" if project == ALL_PROJECTS else f" in {project or 'no project'}"
        whose = f"account {account}{where}" if account else "all accounts together"
        hours, minutes = divmod(int(wait / 60) + 1, 60)
        super().__init__(
            f"the responses of the last 24 h for {whose} fill the quota of {quota >> 20} MiB, so no "
            f"more responses can be stored; the oldest expire in {hours} h {minutes} min. Calls without a "
            "request id still work",
            metadata={"account": account, "project": project, "quota_bytes": str(quota)},
            retry_after=wait,
        )


class RememberedRequests:
    """Remembered requests of one batch; new ones can be undone until the batch is stored.

    The age of requests is measured on a separate clock, which starts at the time of the newest stored request
    and advances with the monotonic clock of this process. So no request is forgotten early because the wall
    clock jumps, and none ages while the scheduler is down.
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
        """Start the request-age clock.

        Args:
            newest: time of the newest stored request; 0: there is none.
            now: the current clock reading.
        """
        self._start = newest or now.wall
        self._started = now.monotonic

    def time(self, now: ClockReading) -> int:
        """Return `now` in microseconds on the request-age clock."""
        return self._start + int((now.monotonic - self._started) * SECOND)

    def begin(self, found: Recollection) -> None:
        """Begin a batch with the stored data about its requests."""
        self._known = dict(found.requests)
        self._used = dict(found.used)
        self._unreadable = None

    def refuse(self, error: DomainError) -> None:
        """Begin a batch whose requests cannot be looked up; all its requests with an id are refused."""
        self._unreadable = error

    def response_to(self, repeatable: Repeatable | None) -> bytes | None:
        """Return the stored response to a request; None if the request is new.

        Raises:
            RequestIdReusedError: its id was used for another call.
            DomainError: the database cannot be read, so the request may be a duplicate.
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
        """Stage a response, and return the record to store.

        Raises:
            RequestQuotaError: the response does not fit into a quota.
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
