"""Pages of entities that fit into one message, and upper bounds on the sizes of encoded entities."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from sweepd.codec.spec import spec_message
from sweepd.spec.point import Json
from sweepd.spec.preview import PreviewedRun
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.sweep import Sweep

T = TypeVar("T")
MAX_BYTES = 3_000_000
"""Maximum weight of the entries in a message of up to 4 MiB; weights are upper bounds on byte sizes."""

_NODE = 24
_ATTEMPT = 300
_RUN = 600
_SWEEP = 4_000
_UTF8 = 4


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Entries of a page, in order; `more`: True if more entries follow it."""

    entries: tuple[T, ...]
    more: bool


def page(found: Iterable[T], limit: int, weigh: Callable[[T], int], most: int = MAX_BYTES) -> Page[T]:
    """Return the first entries that fit into one message: at most `limit`, and at least one if there are any.

    Args:
        found: the entries.
        limit: maximum number of entries.
        weigh: returns the weight of an entry.
        most: maximum weight of the page, unless its first entry is heavier.
    """
    taken: list[T] = []
    total = 0
    for entry in found:
        total += weigh(entry)
        if len(taken) >= limit or (taken and total > most):
            return Page(tuple(taken), more=True)
        taken.append(entry)
    return Page(tuple(taken), more=False)


def pages(found: Iterable[T], limit: int, weigh: Callable[[T], int]) -> Iterator[Page[T]]:
    """Divide entries into as many pages as needed; one empty page if there are none."""
    left = list(found)
    while True:
        part = page(left, limit, weigh)
        yield part
        if not part.more:
            return
        left = left[len(part.entries) :]


def run_weight(run: Run) -> int:
    """Return an upper bound on the size of an encoded run, in bytes."""
    texts = [run.reason, run.display_name, *run.tags, *run.logged_keys]
    for attempt in run.attempts:
        texts += [attempt.reason, attempt.host, attempt.exit.message if attempt.exit else "", *attempt.argv]
    in_all = sum(map(_text_weight, texts))
    return _RUN + _ATTEMPT * len(run.attempts) + in_all + point_weight(run.point)


def prior_weight(prior: PriorRun) -> int:
    """Return an upper bound on the size of an encoded prior run, in bytes."""
    return _RUN + point_weight(prior.point)


def sweep_weight(sweep: Sweep) -> int:
    """Return an upper bound on the size of an encoded sweep without its file, in bytes."""
    return _SWEEP + spec_message(sweep.spec).ByteSize()


def previewed_weight(run: PreviewedRun) -> int:
    """Return an upper bound on the size of an encoded previewed run, in bytes."""
    return _NODE + sum(map(_text_weight, run.argv)) + point_weight(run.point)


def point_weight(value: Json) -> int:
    """Return an upper bound on the size of an encoded point, or of a value in a point, in bytes."""
    match value:
        case str():
            return _text_weight(value)
        case list():
            return _NODE + sum(map(point_weight, value))
        case dict():
            return _NODE + sum(_text_weight(name) + point_weight(each) for name, each in value.items())
        case _:
            return _NODE


def _text_weight(text: str) -> int:
    return _NODE + (len(text) if text.isascii() else _UTF8 * len(text))
