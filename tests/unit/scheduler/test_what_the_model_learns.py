"""What the model takes a run for, from what agents report to what the search service makes of it."""

import pytest

from sweepd import v1
from sweepd_scheduler.domain.decision import StartRun, StudyEvent, StudyNoted
from sweepd_scheduler.domain.events import CancelSweep
from sweepd_scheduler.domain.requests import EnqueueRun
from sweepd_scheduler.domain.run import Exit, ExitCause, RunState
from sweepd_scheduler.ports import StudyLine
from sweepd_scheduler.study import observation_message
from sweepd_suggestion.codec import news
from sweepd_suggestion.domain.objective import Evidence, evidence
from sweepd_suggestion.domain.study import Study
from unit.scheduler.world import EXIT_0, OBJECTIVE, RANDOM, World

FAILS = Exit(cause=ExitCause.EXITED, code=1)
COMMANDED = Exit(cause=ExitCause.COMMANDED, signal=15)
LOST = Exit(cause=ExitCause.ORPHANED)
BAYES = {**RANDOM, "method": "bayes", "retry": {"infrastructure": 0}}
SECTION_5 = (((5.0, 0.5, 1.0), EXIT_0), ((2.0,), EXIT_0), ((), FAILS), ((9.0,), LOST))
"""What four runs log, and how they end."""


@pytest.fixture
def world() -> World:
    return World()


def learnt(world: World) -> Evidence:
    """What the model learns from all that the search was told."""
    spec = world.sweep().spec
    lines = []
    for note in world.changes:
        if isinstance(note, StudyNoted):
            handed_out = note.event is StudyEvent.HANDED_OUT
            lines.append(StudyLine(note=note, point=world.run((1, note.run)).point if handed_out else None))
    request = v1.SuggestRequest(sweep="s", first_observation=1, observations=map(observation_message, lines))
    study = Study(spec)
    study.observe(1, news(v1.SuggestRequest.FromString(request.SerializeToString())).observations)
    assert spec.metric is not None
    return evidence(study.runs.values(), spec.metric)


def losses(world: World) -> dict[int, float]:
    return {one.run_number: one.loss for one in learnt(world).valued}


def begin(world: World, session: str, count: int = 1) -> list[StartRun]:
    """Let an agent begin some more runs."""
    before = len(world.told)
    world.offer(session, count)
    world.passes(1.0)
    starts = [told for _, told in world.told[before:] if isinstance(told, StartRun)]
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
    ("impute", "told"), [("worst", {1: 0.5, 2: 2.0, 3: 9.0, 4: 9.0}), ("best", {1: 0.5, 2: 2.0, 4: 9.0})]
)
def test_section_5_by_its_example(world: World, impute: str, told: dict[int, float]) -> None:
    """Finished after 5, 0.5, 1; finished after 2; failed without one; crashed after 9. No 0 is invented."""
    world.create({**BAYES, "metric": {"name": "loss", "impute": impute}})
    session = world.attach()
    for values, exit_ in SECTION_5:
        one_run(world, session, *values, exit_=exit_)
    assert [world.run((1, n)).state for n in (3, 4)] == [RunState.FAILED, RunState.CRASHED]
    assert losses(world) == told


@pytest.mark.parametrize("kind", ["best", "last", "mean"])
@pytest.mark.parametrize(("impute", "loss"), [("worst", 9.0), ("best", 3.0), ("latest", 4.0)])
@pytest.mark.parametrize("exit_", [FAILS, LOST])
def test_what_a_run_logged_before_it_failed_counts_by_impute_alone(
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


def test_a_lost_repeat_says_nothing_beside_one_that_has_finished(world: World) -> None:
    world.create({**BAYES, **OBJECTIVE, "repeats": 2})
    session = world.attach()
    one_run(world, session, 3.0, exit_=LOST)
    one_run(world, session, 2.0)
    assert losses(world) == {1: 2.0}


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_killed_run_counts_like_a_failed_one_unless_it_never_began(world: World, repeats: int) -> None:
    """What one may read of a cancelled sweep."""
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
    assert learnt(world).pending == ()


def test_who_was_stopped_before_any_value_teaches_nothing(world: World) -> None:
    world.create({**BAYES, **OBJECTIVE})
    session = world.attach()
    one_run(world, session, 9.0)
    one_run(world, session, exit_=COMMANDED)
    assert losses(world) == {1: 9.0}
