"""The record of a run and what stands in the way of runs, in words and as messages."""

from collections.abc import Mapping

from sweepd import v1
from sweepd_scheduler import codec
from sweepd_scheduler.domain.decision import Happened
from sweepd_scheduler.domain.sweeps.explain import Obstacle, ObstacleKind

MAX_DETAIL = 1_000
_KINDS = {kind: v1.ObstacleKind.Value(f"OBSTACLE_KIND_{kind.name}") for kind in ObstacleKind}
_SENTENCES = {
    "run-assigned": "handed out to agent {agent}",
    "run-started": "its process has started",
    "run-resumed": "it goes on from a checkpoint that holds everything up to step {step}",
    "run-kept": "its agent came back and goes on with it",
    "run-taken-over": "agent {agent} has the folder of the attempt now and goes on with it",
    "run-enqueued": "a person asked for it",
    "run-added": "run_cap was raised: its point had fewer runs than repeats says",
    "run-retried": "a person asked for another attempt; it was {before}",
    "attempt-suspect": "nothing was heard of its agent for the length of its lease",
    "attempt-heard-again": "its agent was heard of again",
    "agent-held": "agent {agent} gets no more runs of the sweep: {reason}",
    "sweep-ending": "the sweep starts no new runs: {ending}",
}


def event_message(line: Happened) -> v1.RunEvent:
    """Return a line of the record of a run."""
    return v1.RunEvent(
        time=codec.timestamp(line.time), kind=line.kind, attempt=line.attempt, detail=_detail(line)
    )


def obstacle_message(obstacle: Obstacle) -> v1.Obstacle:
    """Return what stands in the way."""
    return v1.Obstacle(kind=_KINDS[obstacle.kind], message=obstacle.message)


def _detail(line: Happened) -> str:
    sentence = _SENTENCES.get(line.kind)
    told = str(line.detail.get("reason", "")) if sentence is None else _filled(sentence, line.detail)
    return f"{told:.{MAX_DETAIL}}"


def _filled(sentence: str, detail: Mapping[str, str | int | float]) -> str:
    # Piece by piece, not by a format: what fills the gaps was written by strangers.
    for key, value in detail.items():
        sentence = sentence.replace("{" + key + "}", str(value))
    return sentence
