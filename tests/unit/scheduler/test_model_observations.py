"""Observations of the model, from the reports of agents to the search service."""

import pytest

from sweepd import v1
from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.events import SuggestionsFailed
from sweepd_scheduler.domain.requests.requests import CancelSweep, EnqueueRun
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.search.study import StudyEvent, StudyObservation
from sweepd_scheduler.domain.transitions import RunState
from sweepd_scheduler.store.ports import StudyLine
from sweepd_scheduler.suggestion_client import observation_message
from sweepd_suggestion.codec import study_update
from sweepd_suggestion.domain.objective import Evidence, evidence
from sweepd_suggestion.domain.study import Study
from unit.scheduler.world import EXIT_0, OBJECTIVE, RANDOM, World

FAILS = Exit(cause=ExitCause.EXITED, code=1)
COMMANDED = Exit(cause=ExitCause.COMMANDED, signal=15)
LOST = Exit(cause=ExitCause.ORPHANED)
BAYES = {**RANDOM, "method": "bayes", "retry": {"infrastructure": 0}}
SECTION_5 = (((5.0, 0.5, 1.0), EXIT_0), ((2.0,), EXIT_0), ((), FAILS), ((9.0,), LOST))
"""Values that four runs log, and how the runs end."""


@pytest.fixture
def world() -> World:
    return World()


def model_evidence(world: World) -> Evidence:
    """Return the evidence of the model from everything that the search has received."""
    spec = world.sweep().spec
    lines = []
    for note in world.changes:
        if isinstance(note, StudyObservation):
            handed_out = note.event is StudyEvent.HANDED_OUT
            lines.append(StudyLine(note=note, point=world.run((1, note.run)).point if handed_out else None))
    request = v1.SuggestRequest(sweep="s", first_observation=1, observations=map(observation_message, lines))
    study = Study(spec)
    study.observe(1, study_update(v1.SuggestRequest.FromString(request.SerializeToString())).observations)
    assert spec.metric is not None
    return evidence(study.runs.values(), spec.metric)


def losses(world: World) -> dict[int, float]:
    return {one.run_number: one.loss for one in model_evidence(world).valued}


def begin(world: World, session: str, count: int = 1) -> list[StartRun]:
    """Let an agent begin some more runs."""
    before = len(world.sent)
    world.offer(session, count)
    world.passes(1.0)
    starts = [command for _, command in world.sent[before:] if isinstance(command, StartRun)]
    for start in starts:
        world.confirms(session, start)
    assert len(starts) == count
    return starts


def one_run(world: World, session: str, *values: float, exit_: Exit = EXIT_0) -> None:
    (start,) = begin(world, session)
    if values:
        world.logs(session, start.ref, 1, *values)
    world.exits(session, start.ref, exit_, last_row=len(values))


@pytest.mark.parametrize(
    ("impute", "expected"), [("worst", {1: 0.5, 2: 2.0, 3: 9.0, 4: 9.0}), ("best", {1: 0.5, 2: 2.0, 4: 9.0})]
)
def test_the_worked_example_of_section_5(world: World, impute: str, expected: dict[int, float]) -> None:
    """Finished after 5, 0.5, 1; finished after 2; failed without a value; crashed after 9."""
    world.create({**BAYES, "metric": {"name": "loss", "impute": impute}})
    session = world.attach()
    for values, exit_ in SECTION_5:
        one_run(world, session, *values, exit_=exit_)
    assert [world.run((1, n)).state for n in (3, 4)] == [RunState.FAILED, RunState.CRASHED]
    assert losses(world) == expected


@pytest.mark.parametrize("kind", ["best", "last", "mean"])
@pytest.mark.parametrize(("impute", "loss"), [("worst", 9.0), ("best", 3.0), ("latest", 4.0)])
@pytest.mark.parametrize("exit_", [FAILS, LOST])
def test_the_values_of_a_failed_run_count_only_by_impute(
    world: World, kind: str, impute: str, loss: float, exit_: Exit
) -> None:
    world.create({**BAYES, "metric": {"name": "loss", "impute": impute, "value": kind}})
    one_run(world, world.attach(), 3.0, 9.0, 4.0, exit_=exit_)
    assert losses(world) == {1: loss}


@pytest.mark.parametrize("exit_", [FAILS, LOST])
@pytest.mark.parametrize(("impute", "loss"), [("worst", 9.0), ("best", 2.5), ("latest", 5.0)])
def test_a_failed_point_counts_by_impute_too(world: World, impute: str, loss: float, exit_: Exit) -> None:
    world.create({**BAYES, "metric": {"name": "loss", "impute": impute}, "repeats": 2})
    session = world.attach()
    one_run(world, session, 3.0, 9.0, 4.0, exit_=exit_)
    assert losses(world) == {}
    one_run(world, session, 2.0, 6.0, exit_=exit_)
    assert losses(world) == {1: loss}


def test_a_lost_repeat_does_not_count_beside_a_finished_one(world: World) -> None:
    world.create({**BAYES, **OBJECTIVE, "repeats": 2})
    session = world.attach()
    one_run(world, session, 3.0, exit_=LOST)
    one_run(world, session, 2.0)
    assert losses(world) == {1: 2.0}


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_killed_run_counts_like_a_failed_one_unless_it_never_began(world: World, repeats: int) -> None:
    """The evidence that the model gets from a cancelled sweep."""
    world.create({**BAYES, **OBJECTIVE, "repeats": repeats})
    session = world.attach(slots=2)
    started = begin(world, session, 2)
    for start, value in zip(started, (0.5, 0.75), strict=True):
        world.logs(session, start.ref, 1, value)
    name = world.sweep().name
    world.happens(EnqueueRun(sweep=name, point={"x": 0.125}, first=False))
    world.happens(CancelSweep(name))
    for start in started:
        world.exits(session, start.ref, COMMANDED, last_row=1)
    assert world.sweep().counts.of(RunState.KILLED) == world.sweep().counts.total > 2
    assert losses(world) == ({1: 0.75, 2: 0.75} if repeats == 1 else {1: 0.75})
    assert model_evidence(world).pending == ()


def test_a_run_that_was_stopped_before_any_value_is_not_observed(world: World) -> None:
    world.create({**BAYES, **OBJECTIVE})
    session = world.attach()
    one_run(world, session, 9.0)
    one_run(world, session, exit_=COMMANDED)
    assert losses(world) == {1: 9.0}


def asks(world: World, session: str) -> list[float | None]:
    """Request a point from the search; return the observations of live runs sent with the request."""
    before, starts = len(world.changes), len(world.sent)
    world.offer(session, 1)
    assert world.asked()
    notes = [each for each in world.changes[before:] if isinstance(each, StudyObservation)]
    world.happens(SuggestionsFailed(1, "away"))
    for start in [command for _, command in world.sent[starts:] if isinstance(command, StartRun)]:
        world.confirms(session, start)
    return [each.value for each in notes if each.event is StudyEvent.VALUE_SO_FAR]


def so_far(how: str = "worst", **metric: str) -> dict[str, object]:
    return {**BAYES, "metric": {"name": "loss", "impute_while_running": how, **metric}}


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ({}, 1.0),
        ({"goal": "maximize"}, 5.0),
        ({"value": "last"}, 3.0),
        ({"value": "mean"}, 3.0),
    ],
)
def test_a_live_run_counts_with_its_values_so_far_when_a_point_is_requested(
    world: World, metric: dict[str, str], value: float
) -> None:
    """Section 5, `impute_while_running`; without early termination, nothing else reports these values."""
    world.create(so_far(**metric))
    session = world.attach(slots=4)
    (start,) = begin(world, session)
    world.happens(SuggestionsFailed(1, "away"))
    world.logs(session, start.ref, 1, 5.0, 1.0, float("nan"), 3.0)
    assert losses(world) == {}, "no point has been requested yet"
    assert asks(world, session) == [value]
    assert losses(world) == {1: -value if metric.get("goal") else value}
    assert len(model_evidence(world).pending) == 1


def test_without_impute_while_running_a_live_run_is_pending(world: World) -> None:
    world.create(so_far("false"))
    session = world.attach(slots=4)
    (start,) = begin(world, session)
    world.happens(SuggestionsFailed(1, "away"))
    world.logs(session, start.ref, 1, 5.0)
    assert asks(world, session) == []
    assert losses(world) == {}


def test_the_end_of_a_run_replaces_its_value_so_far(world: World) -> None:
    """P16: the value so far and the end of a run count as one value."""
    world.create(so_far())
    session = world.attach(slots=9)
    (start,) = begin(world, session)
    world.happens(SuggestionsFailed(1, "away"))
    world.logs(session, start.ref, 1, 5.0)
    assert asks(world, session) == [5.0]
    world.logs(session, start.ref, 2, 6.0)
    assert asks(world, session) == [], "its best is the same"
    world.logs(session, start.ref, 3, 4.0)
    assert asks(world, session) == [4.0]
    world.exits(session, start.ref, FAILS, last_row=3)
    assert asks(world, session) == []
    assert losses(world)[1] == 6.0


def test_the_value_of_a_lost_attempt_no_longer_counts(world: World) -> None:
    world.create({**so_far(), "retry": {"infrastructure": 1}})
    session = world.attach(slots=9)
    (start,) = begin(world, session)
    world.happens(SuggestionsFailed(1, "away"))
    world.logs(session, start.ref, 1, 5.0)
    assert asks(world, session) == [5.0]
    world.exits(session, start.ref, LOST, last_row=1)
    world.offer(session, 1)
    again = world.last_sent(StartRun)
    world.confirms(session, again)
    assert (again.run.number, again.ref.attempt) == (1, 2)
    assert asks(world, session) == [None]
    assert losses(world) == {}
    world.logs(session, again.ref, 1, 5.0)
    assert asks(world, session) == [5.0]


def test_a_value_that_is_reported_again_after_a_restart_counts_once(world: World) -> None:
    world.create(so_far())
    session = world.attach(slots=9)
    (start,) = begin(world, session)
    world.happens(SuggestionsFailed(1, "away"))
    world.logs(session, start.ref, 1, 5.0)
    assert asks(world, session) == [5.0]
    world.restarts()
    session = world.attach(slots=9, attempts=(world.held(start.run.key, start.ref),))
    assert asks(world, session)[0] == 5.0
    assert asks(world, session) == []
    assert losses(world) == {1: 5.0}


def test_with_repeats_a_point_counts_with_the_aggregate_of_the_values_so_far(world: World) -> None:
    world.create({**so_far("best"), "repeats": 3})
    session = world.attach(slots=9)
    first, second, third = begin(world, session, 3)
    world.happens(SuggestionsFailed(1, "away"))
    world.logs(session, first.ref, 1, 2.0)
    world.exits(session, first.ref, last_row=1)
    world.logs(session, second.ref, 1, 4.0)
    assert asks(world, session) == [3.0]
    assert losses(world) == {1: 3.0}
    world.logs(session, third.ref, 1, 9.0)
    world.exits(session, third.ref, LOST, last_row=1)
    world.exits(session, second.ref, last_row=1)
    assert losses(world) == {1: 3.0}
    assert [each.run_number for each in model_evidence(world).valued] == [1]
