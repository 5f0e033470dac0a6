"""Client of the suggestion service: sends new observations, asks for points, pauses after failures."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import grpc.aio

from sweepd import v1
from sweepd.codec.spec import spec_message
from sweepd.codec.values import CodecError, point_from_message, point_message
from sweepd.spec.sweep_spec import SweepSpec
from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceStub
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.events import SuggestionsArrived, SuggestionsFailed
from sweepd_scheduler.domain.runs.run import PointSource, Provenance
from sweepd_scheduler.domain.search.study import Outcome, StudyEvent, Suggestion
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.message_size import MAX_BYTES, Page, sweep_weight
from sweepd_scheduler.store.ports import StudyLine

CALL_DEADLINE = 15.0
PREPARE_DEADLINE = 2.0
UNAVAILABLE_FOR = 1.2
OBSERVATIONS_A_CALL = 1_000
MAX_RESENDS = 3
MAX_OBSERVATIONS = 2**53

_OUTCOMES = {outcome: v1.RunOutcome.Value(f"RUN_OUTCOME_{outcome.name}") for outcome in Outcome}


ReadStudy = Callable[[int, int, int], Awaitable[Page[StudyLine]]]
"""Function that reads observations, given the sweep's key, the number to start after, and a maximum count."""


class SuggestionService:
    """Implementation of `SearchEngine` that calls the suggestion service.

    The core makes one call at a time for each sweep. `post` passes the outcome of a call to the owner.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        reading: ReadStudy,
        post: Callable[[SuggestionsArrived | SuggestionsFailed], None],
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._stub = SuggestionServiceStub(channel)
        self._reading = reading
        self._post = post
        self._clock = clock
        self._log = log
        self._known: dict[int, int] = {}
        self._unavailable_until = 0.0
        self._unavailable = False
        self._calls: set[asyncio.Task[None]] = set()

    def ask(self, sweep: Sweep, count: int) -> None:
        """Start a call for `count` points; its outcome is posted to the owner."""
        call = asyncio.get_running_loop().create_task(self._call(sweep, count))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    def stop(self) -> None:
        """Cancel the running calls."""
        for call in self._calls:
            call.cancel()

    async def objections(self, spec: SweepSpec) -> Sequence[tuple[str, str]]:
        """Return the fields of a specification that the service does not support, each with the reason.

        Empty if it supports all of them, or if the service is unavailable.
        """
        if self._clock.monotonic() < self._unavailable_until:
            return ()
        try:
            answer = await self._stub.Prepare(
                v1.PrepareRequest(spec=spec_message(spec)), timeout=PREPARE_DEADLINE
            )
        except grpc.aio.AioRpcError as error:
            self._mark_unavailable(error.code().name)
            return ()
        return [(violation.path, violation.message) for violation in answer.violations]

    async def _call(self, sweep: Sweep, count: int) -> None:
        if self._clock.monotonic() < self._unavailable_until:
            self._post(SuggestionsFailed(sweep.key, "the suggestion service is unavailable"))
            return
        if self._unavailable:  # this call probes whether the service is back; others are refused meanwhile
            self._unavailable_until = self._clock.monotonic() + UNAVAILABLE_FOR
        try:
            self._post(await self._suggest(sweep, count))
        except grpc.aio.AioRpcError as error:
            self._mark_unavailable(f"{error.code().name}: {error.details()}")
            self._post(SuggestionsFailed(sweep.key, error.details() or error.code().name))
        except (TimeoutError, CodecError, DomainError) as error:
            self._log.warning("%s: no suggestion: %s", sweep.name, error)
            self._post(SuggestionsFailed(sweep.key, str(error)))
        except Exception as error:  # noqa: BLE001 (without an answer, the sweep would never ask again)
            self._log.exception("%s: no suggestion", sweep.name)
            self._post(SuggestionsFailed(sweep.key, str(error)))

    def _mark_unavailable(self, why: str) -> None:
        self._unavailable_until = self._clock.monotonic() + UNAVAILABLE_FOR
        if not self._unavailable:
            self._unavailable = True
            self._log.warning(
                "the suggestion service is unavailable (%s); model-based sweeps continue without it", why
            )

    async def _suggest(self, sweep: Sweep, count: int) -> SuggestionsArrived:
        count = min(count, max(1, MAX_BYTES // sweep_weight(sweep)))  # so that the response fits
        for _ in range(MAX_RESENDS):
            run_number, answer = await self._send_all(sweep, count)
            if self._unavailable:
                self._unavailable = False
                self._log.info("the suggestion service is back")
            if answer.WhichOneof("answer") == "suggestions":
                self._known[sweep.key] = answer.suggestions.observations_known
                return SuggestionsArrived(
                    sweep=sweep.key,
                    suggestions=tuple(
                        _suggested(each, run_number + place * sweep.spec.repeats)
                        for place, each in enumerate(answer.suggestions.suggestions)
                    ),
                    exhausted=answer.suggestions.exhausted,
                )
            self._known[sweep.key] = max(0, answer.resend_from - 1)
        raise CodecError("resend_from", f"observations were requested again {MAX_RESENDS} times in a row")

    async def _send_all(self, sweep: Sweep, count: int) -> tuple[int, v1.SuggestResponse]:
        """Send the observations that the service lacks, in one or more calls; the last one asks for points.

        Return the number of the run that the first point is for, and the last answer. The number is higher
        than those of all runs in the observations, including runs handed out after the call began.
        """
        newest = sweep.counts.total
        while True:
            after = self._known.get(sweep.key, 0)
            lines = await self._reading(sweep.key, after, OBSERVATIONS_A_CALL)
            last = not lines.more
            newest = max(newest, *(line.note.run + sweep.spec.repeats - 1 for line in lines.entries), 0)
            request = v1.SuggestRequest(
                sweep=str(sweep.name),
                revision=sweep.revision,
                spec=spec_message(sweep.spec) if after == 0 else None,
                first_observation=after + 1,
                observations=[observation_message(line) for line in lines.entries],
                run_number=newest + 1,
                count=count if last else 0,
            )
            answer = await self._stub.Suggest(request, timeout=CALL_DEADLINE)
            if last or answer.WhichOneof("answer") != "suggestions":
                return newest + 1, answer
            self._known[sweep.key] = answer.suggestions.observations_known


def observation_message(line: StudyLine) -> v1.StudyObservation:
    """Return an observation as a message."""
    note = line.note
    message = v1.StudyObservation(run_number=max(0, note.run), prior_index=max(0, -note.run))
    match note.event:
        case StudyEvent.HANDED_OUT:
            message.handed_out.CopyFrom(v1.RunHandedOut(point=point_message(line.point or {})))
        case StudyEvent.RUNG_REACHED:
            message.rung_reached.CopyFrom(v1.RungReached(iteration=note.iterations, value=note.value or 0.0))
        case StudyEvent.VALUE_SO_FAR:
            message.value_so_far.CopyFrom(v1.ValueSoFar(value=note.value))
        case StudyEvent.ENDED:
            message.ended.CopyFrom(
                v1.RunEnded(
                    outcome=_OUTCOMES[note.outcome or Outcome.NOTHING],
                    best_value=note.best,
                    value=note.value,
                    worst_value=note.worst,
                    last_value=note.last,
                    iterations=note.iterations,
                )
            )
    return message


def _suggested(message: v1.Suggestion, run_number: int) -> Suggestion:
    for name in ("observations_seen", "study_length"):
        if (count := getattr(message, name)) > MAX_OBSERVATIONS:
            raise CodecError(name, f"{count} is more than the maximum of {MAX_OBSERVATIONS}")
    provenance = Provenance(
        source=PointSource.FRESH,
        seed=0,  # replaced by the seed of the sweep when the point is handed out
        index=run_number,
        observations_seen=message.observations_seen,
        study_length=message.study_length,
        engine=message.engine[:100],
        predicted_value=optional(message, "predicted_value"),
        predicted_deviation=optional(message, "predicted_deviation"),
        expected_improvement=optional(message, "expected_improvement"),
    )
    return Suggestion(point=point_from_message(message.point), provenance=provenance)


def optional(message: v1.Suggestion, name: str) -> float | None:
    """Return the number in a field of a message; None if the field is not set."""
    value: float = getattr(message, name)
    return value if message.HasField(name) else None  # type: ignore[arg-type]
