"""Sources of points in a model-based sweep while the service is fast, slow, faulty or unavailable."""

import pytest

from sweepd.spec.point import Point
from sweepd_scheduler.domain.effects import AskStudy, LogLine, StartRun
from sweepd_scheduler.domain.events import SuggestionsArrived, SuggestionsFailed
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import PauseSweep
from sweepd_scheduler.domain.runs.run import PointSource, Provenance
from sweepd_scheduler.domain.search.model_based import fresh_wait
from sweepd_scheduler.domain.search.study import Suggestion
from sweepd_scheduler.domain.sweep import Ending
from unit.scheduler.world import OBJECTIVE, PARENT, RANDOM, World

BAYES = {**RANDOM, **OBJECTIVE, "method": "bayes"}


@pytest.fixture
def world() -> World:
    world = World()
    world.create(BAYES)
    return world


def a_suggestion(point: Point, number: int, known: int) -> Suggestion:
    return Suggestion(
        point=point,
        provenance=Provenance(
            source=PointSource.FRESH,
            seed=0,
            index=number,
            observations_seen=known // 2,
            study_length=known,
            engine="e/1",
        ),
    )


def answer(world: World, *points: float, seen: int | None = None, exhausted: bool = False) -> None:
    known = world.sweep().observations if seen is None else seen
    suggestions = tuple(
        a_suggestion({"x": x}, number, known)
        for number, x in enumerate(points, start=world.sweep().counts.total + 1)
    )
    world.happens(SuggestionsArrived(sweep=1, suggestions=suggestions, exhausted=exhausted))


def sources(world: World) -> list[PointSource]:
    return [command.run.provenance.source for _, command in world.sent if isinstance(command, StartRun)]


def test_a_hand_out_waits_for_a_fresh_suggestion(world: World) -> None:
    session = world.attach(slots=2)
    assert not world.offer(session, 2)
    assert world.asked() == [AskStudy(1, 2)]
    answer(world, 0.25, 0.75)
    assert sources(world) == [PointSource.FRESH, PointSource.FRESH]
    run = world.run((1, 1))
    assert run.point == {"x": 0.25}
    assert (run.provenance.engine, run.provenance.observations_seen, run.provenance.seed) == ("e/1", 0, 7)


def test_after_a_short_wait_a_random_point_is_handed_out_and_marked_as_such(world: World) -> None:
    world.offer(world.attach())
    world.passes(0.3)
    assert sources(world) == [PointSource.FALLBACK]


def test_a_prefetched_suggestion_is_preferred_to_a_random_point(world: World) -> None:
    session = world.attach(slots=2)
    world.offer(session, 1)
    answer(world, 0.1, 0.2)
    world.confirms(session, world.last_sent(StartRun))
    assert not world.offer(session, 1)
    world.passes(0.3)
    assert sources(world) == [PointSource.FRESH, PointSource.PREFETCHED]
    assert world.run((1, 2)).provenance.observations_seen == 0


def test_a_random_point_is_handed_out_at_once_when_the_service_fails(world: World) -> None:
    world.offer(world.attach())
    world.happens(SuggestionsFailed(1, "away"))
    assert sources(world) == [PointSource.FALLBACK]


def test_a_suggestion_outside_the_space_is_refused_logged_and_requested_again(world: World) -> None:
    world.offer(world.attach())
    answer(world, 7.0)
    assert not sources(world)
    assert any(isinstance(effect, LogLine) for effect in world.effects)
    assert world.asked() == [AskStudy(1, 1)]
    answer(world, 7.0)
    answer(world, 7.0)
    assert sources(world) == [PointSource.FALLBACK]


RULED = {
    **OBJECTIVE,
    "method": "bayes",
    "parameters": {
        "kind": {"values": ["flat", "deep"]},
        "depth": {"min": 1, "max": 3, "when": "kind == 'deep'"},
        "left": {"values": [1, 2]},
        "right": {"values": ["i", "ii"]},
    },
    "zip": [["left", "right"]],
    "constraints": ["kind == 'flat' or left < 2"],
}
FLAT: Point = {"kind": "flat", "left": 1, "right": "i"}
DEEP: Point = {"kind": "deep", "depth": 2, "left": 1, "right": "i"}


@pytest.mark.parametrize(
    "outside",
    [
        {**FLAT, "depth": 2},  # a parameter of the other branch
        {"kind": "deep", "left": 1, "right": "i"},  # without a parameter of this branch
        {**FLAT, "right": "ii"},  # not a row of the zip
        {**DEEP, "left": 2, "right": "ii"},  # breaks the constraint
        {**DEEP, "depth": 2.0},  # of another type
    ],
)
def test_suggestions_satisfy_conditions_constraints_and_zips(outside: Point) -> None:
    """P18 with conditions, constraints and a zip."""
    world = World()
    world.create(RULED)
    world.offer(world.attach(slots=2), 2)
    suggestions = [a_suggestion(point, number, 0) for number, point in enumerate((outside, DEEP), start=1)]
    world.happens(SuggestionsArrived(sweep=1, suggestions=tuple(suggestions), exhausted=False))
    assert [command.run.point for _, command in world.sent if isinstance(command, StartRun)] == [DEEP]
    assert any(isinstance(effect, LogLine) for effect in world.effects)
    assert world.asked() == [AskStudy(1, 1)]


def test_an_answer_with_too_few_observations_is_kept_as_prefetched(world: World) -> None:
    session = world.attach(slots=2)
    world.offer(session, 1)
    answer(world, 0.1)
    start = world.last_sent(StartRun)
    world.confirms(session, start)
    world.offer(session, 1)
    answer(world, 0.5, seen=0)
    assert len(sources(world)) == 1
    answer(world, 0.6)
    assert world.run((1, 2)).point == {"x": 0.6}


def test_a_prefetched_point_is_handed_out_once(world: World) -> None:
    session = world.attach(slots=3)
    world.offer(session, 1)
    answer(world, 0.1, 0.1, 0.1)
    world.confirms(session, world.last_sent(StartRun))
    world.offer(session, 1)
    world.passes(0.3)
    assert sources(world)[-1] is PointSource.FALLBACK


def test_a_finite_space_ends_when_all_points_are_seen() -> None:
    world = World()
    world.create({"method": "bayes", **OBJECTIVE, "parameters": {"a": {"values": [1, 2, 3]}}})
    session = world.attach(slots=9)
    world.offer(session, 9)
    world.happens(SuggestionsFailed(1, "away"))
    assert len(sources(world)) == 3
    assert world.sweep().ending is Ending.GRID


def test_an_answer_during_a_pause_causes_no_hand_out_and_no_request(world: World) -> None:
    world.offer(world.attach())
    world.happens(PauseSweep(SweepName(PARENT, "s")))
    answer(world, 0.1)
    assert not sources(world)
    assert not world.asked()


@pytest.mark.parametrize(
    ("durations", "wait"), [([], 0.25), ([5.0], 0.25), ([1.0, 100.0, 900.0], 2.0), ([9000.0], 10.0)]
)
def test_the_wait_is_a_share_of_the_median_run_time(durations: list[float], wait: float) -> None:
    assert fresh_wait(durations) == wait


def test_an_invalid_answer_is_not_requested_again_at_once_while_no_agent_waits(world: World) -> None:
    """Otherwise the two services would exchange requests in a tight loop, with a log line for each answer."""
    session = world.attach()
    for _ in range(3):
        world.offer(session)
        world.passes(0.3, silent=False)
        start = world.last_sent(StartRun)
        world.confirms(session, start)
        world.logs(session, start.ref, 1, 0.5)
        world.exits(session, start.ref, last_row=1)
    world.offer(session)
    world.passes(0.3, silent=False)
    assert sources(world) == [PointSource.FALLBACK] * 4
    for points in ((7.0,), ()):
        answer(world, *points)
        assert not world.asked()


def test_suggestions_are_prefetched_after_new_observations(world: World) -> None:
    """Once an answer has served every session, the next one is prefetched in case a later one is too slow."""
    session = world.attach()
    asked = []
    for point in (0.1, 0.2, 0.3):
        world.offer(session)
        answer(world, point)
        asked.append(world.asked())
        start = world.last_sent(StartRun)
        world.confirms(session, start)
        world.logs(session, start.ref, 1, point)
        world.exits(session, start.ref, last_row=1)
    assert asked == [[], [], [AskStudy(1, 1)]]
    answer(world, 0.9, seen=world.sweep().observations - 1)  # requested before the last run ended
    assert not world.asked(), "the prefetched suggestions are recent"
    world.offer(session)
    world.passes(0.3, silent=False)
    assert sources(world)[-1] is PointSource.PREFETCHED
    assert world.run((1, 4)).point == {"x": 0.9}
