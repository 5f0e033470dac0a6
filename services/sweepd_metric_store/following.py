"""Streams of the metric store: pipelined appends, and histories and logs that are followed as they grow."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from sweepd_kernel.errors import DomainError
from sweepd_metric_store.domain.checksum import Damage
from sweepd_metric_store.ports import AttemptName, LogPart, MetricReads, Selection, Stored

Request = TypeVar("Request")
Answer = TypeVar("Answer")

WINDOW = 64
"""Maximum number of pending requests per stream; then reading pauses, and flow control slows the sender."""
MESSAGE_BYTES = 64 * 1024
"""Approximate size of a streamed message; small, because each stalled reader keeps one in memory."""
PAUSE_SECONDS = 0.1
"""Seconds for which new points or log lines are collected before they are sent to a follower."""


class AppendStreams:
    """Open streams of append calls."""

    def __init__(self) -> None:
        self._ends: set[Callable[[DomainError], None]] = set()

    async def answers(
        self, requests: AsyncIterator[Request], submit: Callable[[Request], Awaitable[asyncio.Future[Answer]]]
    ) -> AsyncGenerator[Answer]:
        """Yield the answers in the order of the requests; several requests may be in flight.

        Raises:
            DomainError: a request failed, or the service is stopping.
        """
        pipeline = _Pipeline[Answer]()
        reading = asyncio.create_task(pipeline.fill(requests, submit))
        self._ends.add(pipeline.fail)
        try:
            async for answer in pipeline.answers():
                yield answer
        finally:
            self._ends.discard(pipeline.fail)
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    def end(self, error: DomainError) -> None:
        """End all streams with `error`, after the pending answers."""
        for end in self._ends:
            end(error)


class _Pipeline(Generic[Answer]):
    """Pending answers, in the order of their requests."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[asyncio.Future[Answer] | None] = asyncio.Queue()
        self._window = asyncio.Semaphore(WINDOW)

    async def fill(
        self, requests: AsyncIterator[Request], submit: Callable[[Request], Awaitable[asyncio.Future[Answer]]]
    ) -> None:
        """Submit requests as they arrive; at most `WINDOW` are pending."""
        try:
            async for request in requests:
                await self._window.acquire()
                self._queue.put_nowait(await submit(request))
        except Exception as error:  # noqa: BLE001 (raised by `answers`)
            self.fail(error)
        self._queue.put_nowait(None)

    def fail(self, error: Exception) -> None:
        """End the answers with `error`."""
        failed: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        failed.set_exception(error)
        failed.exception()  # marks it as retrieved, in case the stream is gone
        self._queue.put_nowait(failed)

    async def answers(self) -> AsyncGenerator[Answer]:
        """Yield the answers in order, each as soon as it is available."""
        while (answer := await self._queue.get()) is not None:
            yield await answer
            self._window.release()


def grouped(items: Sequence[bytes], size: int = MESSAGE_BYTES) -> Iterator[list[bytes]]:
    """Yield `items` in groups of about `size` bytes."""
    group: list[bytes] = []
    held = 0
    for item in items:
        if group and held + len(item) > size:
            yield group
            group, held = [], 0
        group.append(item)
        held += len(item)
    if group:
        yield group


class Subscription:
    """Set of wanted attempts that have grown since the last `take`."""

    def __init__(self, wanted: Callable[[AttemptName], bool]) -> None:
        self._wanted = wanted
        self._grown: set[AttemptName] = set()
        self._has_grown = asyncio.Event()
        self._error: DomainError | None = None

    def add(self, names: Sequence[AttemptName]) -> None:
        """Add the wanted attempts among `names`."""
        self._grown.update(name for name in names if self._wanted(name))
        if self._grown:
            self._has_grown.set()

    def end(self, error: DomainError) -> None:
        """Make `take` raise `error` from now on."""
        self._error = error
        self._has_grown.set()

    async def take(self) -> set[AttemptName]:
        """Wait until attempts have grown; return and clear the set.

        Raises:
            DomainError: the service is stopping.
        """
        await self._has_grown.wait()
        if self._error is not None:
            raise self._error
        grown, self._grown = self._grown, set()
        self._has_grown.clear()
        return grown


class Subscriptions:
    """Open subscriptions, notified of each commit; for use in the event loop only."""

    def __init__(self) -> None:
        self._open: set[Subscription] = set()

    def publish(self, stored: Sequence[Stored]) -> None:
        """Notify all subscriptions of a commit."""
        if self._open:
            names = list({each.name for each in stored})
            for subscription in self._open:
                subscription.add(names)

    def end(self, error: DomainError) -> None:
        """End all subscriptions with `error`."""
        for subscription in self._open:
            subscription.end(error)

    @contextmanager
    def subscribed(self, wanted: Callable[[AttemptName], bool]) -> Iterator[Subscription]:
        """Yield a subscription to the `wanted` attempts."""
        subscription = Subscription(wanted)
        self._open.add(subscription)
        try:
            yield subscription
        finally:
            self._open.discard(subscription)


async def history(
    selection: Selection, reads: MetricReads, subscriptions: Subscriptions
) -> AsyncGenerator[tuple[list[bytes], Sequence[Damage]]]:
    """Yield groups of series, one per message: stored points, then new ones, each point once.

    Each group comes with the damage found; damaged points are left out. Only the last row read is kept per
    attempt, so a slow reader takes no extra memory, and gets more points at once.
    """
    with subscriptions.subscribed(selection.covers) as subscription:
        rows: dict[AttemptName, int] = {}
        unread = set(await reads.attempts(selection))
        while True:
            growth = await reads.growth(unread or await subscription.take(), rows, selection.keys)
            rows.update(growth.rows)
            unread = set(growth.unread)
            damages = growth.damaged
            for group in grouped(growth.series):
                yield group, damages
                damages = ()
            if damages:
                yield [], damages
            if not unread:
                await asyncio.sleep(PAUSE_SECONDS)


async def first_part(reads: MetricReads, run: str, attempt: int, offset: int, tail_bytes: int) -> LogPart:
    """Return a log's first part from `offset` on; with `tail_bytes`, skip to the last lines of that size."""
    if not tail_bytes:
        return await reads.log(run, attempt, offset, MESSAGE_BYTES)
    end = (await reads.log(run, attempt, 0, 1)).end
    start = max(offset, end - tail_bytes)
    if not start:
        return await reads.log(run, attempt, 0, MESSAGE_BYTES)
    # The byte before `start` shows whether a line begins there.
    part = await reads.log(run, attempt, start - 1, MESSAGE_BYTES)
    if part.damaged_from is not None:
        return part
    newline = part.content.find(b"\n", 0, tail_bytes)
    skipped = newline + 1 if newline >= 0 else 1
    return LogPart(
        attempt=part.attempt, offset=start - 1 + skipped, content=part.content[skipped:], end=part.end
    )


async def parts(
    part: LogPart, run: str, reads: MetricReads, subscriptions: Subscriptions, *, follow: bool
) -> AsyncGenerator[LogPart]:
    """Yield `part` and the stored parts after it; with `follow`, also parts added later.

    With `follow`, wait for a log that does not exist yet. Once a part has been found, read only the log of
    its attempt. Damaged bytes are left out; the offset of the next part shows the gap.

    Raises:
        DomainError: at the end, if bytes were left out; with `follow`, when the service is stopping.
    """
    is_damaged = False
    with subscriptions.subscribed(lambda name: name.run == run) as subscription:
        while True:
            if part.damaged_from is not None:
                is_damaged = True
            elif part.content:
                yield part
            elif follow:
                await subscription.take()
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                break
            part = await reads.log(run, part.attempt, part.offset + len(part.content), MESSAGE_BYTES)
    if is_damaged:
        raise reads.damaged([Damage(run=run, attempt=part.attempt, what="log")])
