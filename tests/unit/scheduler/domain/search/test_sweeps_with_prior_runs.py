"""Sweeps with prior runs: points, caps, best runs, thresholds, observations for the search."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepd import v1
from sweepd.spec.point import Point, canonical_json
from sweepd.spec.preview import preview
from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.search.prior_runs import prior_observations
from sweepd_scheduler.domain.sweep import Ending
from sweepd_scheduler.domain.transitions import RunState, SweepState
from sweepd_scheduler.store.ports import StudyLine
from sweepd_scheduler.suggestion_client import observation_message
from sweepd_suggestion.codec import study_update
from sweepd_suggestion.domain.objective import evidence
from sweepd_suggestion.domain.study import Study
from unit.scheduler.domain.search.test_by_index import run_until_exhausted
from unit.scheduler.prior import prior_runs
from unit.scheduler.world import OBJECTIVE, RANDOM, World, a_spec

FIFTY: dict[str, object] = {
    "method": "grid",
    "parameters": {"a": {"min": 1, "max": 10}, "b": {"values": [1, 2, 3, 4, 5]}},
}
TREE: dict[str, object] = {
    "parameters": {
        "kind": {"values": ["sgd", "adam", "none"]},
        "momentum": {"values": [0.0, 0.9], "when": "kind == 'sgd'"},
        "beta": {"values": [0.8, 0.9, 0.99], "when": "kind == 'adam'"},
        "depth": {"min": 1, "max": 3},
    },
    "constraints": ["depth < 3 or kind != 'none'"],
}
ZIPPED: dict[str, object] = {
    "parameters": {"a": {"values": [1, 2, 3]}, "b": {"values": ["x", "y", "z"]}, "c": {"min": 1, "max": 3}},
    "zip": [["a", "b"]],
}
STEPS: dict[str, object] = {
    "parameters": {"q": {"distribution": "q_uniform", "min": 0, "max": 10, "q": 4}, "a": {"values": [1, 2]}}
}
DOZEN: dict[str, object] = {
    "method": "grid",
    "parameters": {"a": {"min": 1, "max": 4}, "b": {"values": [1, 2, 3]}},
}
FINITE = {
    "grid": {**DOZEN},
    "shuffled": {**DOZEN, "shuffle": True},
    "conditions": {"method": "grid", **TREE},
    "zip": {"method": "grid", **ZIPPED},
    "zip, shuffled": {"method": "grid", "shuffle": True, **ZIPPED},
    "steps": {"method": "grid", **STEPS},
    "repeats": {"method": "grid", "repeats": 2, **TREE},
    "random": {"method": "random", **TREE},
    "sobol": {"method": "sobol", **ZIPPED},
}


@pytest.fixture
def world() -> World:
    return World()


def all_points(document: Mapping[str, object]) -> list[Point]:
    """Return every point that the sweep would run, each once."""
    shown = preview(a_spec(document), 1_000).runs
    return [run.point for run in shown if run.repeat == 0]


def texts(points: list[Point]) -> list[str]:
    return sorted(map(canonical_json, points))


@pytest.mark.lengthy
@pytest.mark.parametrize("name", FINITE)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_a_sweep_runs_exactly_the_points_that_prior_runs_have_left(name: str, data: st.DataObject) -> None:
    document = FINITE[name]
    points = all_points(document)
    chosen = data.draw(st.lists(st.integers(0, len(points) - 1), max_size=len(points)))
    taken = {place: points[place] for place in chosen}  # some of them tried several times
    rest = [point for place, point in enumerate(points) if place not in taken]
    world = World()
    sweep = world.create(document, prior=prior_runs(document, [(points[place], ()) for place in chosen]))
    repeats = a_spec(document).repeats
    assert sweep.planned_runs == repeats * len(rest)
    shown = preview(a_spec(document), 1_000, prior=list(taken.values()))
    assert texts([run.point for run in shown.runs]) == texts(rest * repeats)
    assert shown.planned_runs == repeats * len(rest)
    if rest:  # otherwise it has finished at its creation and admits no agent
        starts = run_until_exhausted(world, agents=2, slots=3)
        assert texts([start.run.point for start in starts]) == texts(rest * repeats)
    ended = world.sweep()
    assert (ended.state, ended.ending) == (SweepState.FINISHED, Ending.GRID)
    assert ended.counts.total == repeats * len(rest), "prior runs are not counted as runs"


@pytest.mark.parametrize("shuffle", [False, True])
def test_fifty_agents_at_once_share_the_points_that_prior_runs_have_left(world: World, shuffle: bool) -> None:
    document = {**FIFTY, "shuffle": shuffle}
    points = all_points(document)
    world.create(document, prior=prior_runs(document, [(point, ()) for point in points[::3]]))
    sessions = [world.attach(f"agent-{number}") for number in range(50)]
    starts = [start for session in sessions for start in world.offer(session)]
    assert texts([start.run.point for start in starts]) == texts(
        [point for place, point in enumerate(points) if place % 3]
    )


def test_a_sweep_without_points_left_by_prior_runs_is_finished_at_once(world: World) -> None:
    sweep = world.create(FIFTY, prior=prior_runs(FIFTY, [(point, ()) for point in all_points(FIFTY)]))
    assert (sweep.state, sweep.counts.total) == (SweepState.FINISHED, 0)
    assert sweep.reason == "every point has been handed out, except those of prior runs"


def test_a_list_runs_all_its_points_whatever_prior_runs_there_are(world: World) -> None:
    document: dict[str, object] = {"method": "list", "runs": [{"a": 1}, {"a": 2}, {"a": 1}]}
    world.create(document, prior=prior_runs(document, [({"a": 1}, ())]))
    assert [start.run.point for start in run_until_exhausted(world)] == [{"a": 1}, {"a": 2}, {"a": 1}]


def test_prior_runs_do_not_reduce_the_number_of_runs_of_an_infinite_space(world: World) -> None:
    document: dict[str, object] = {**RANDOM, "run_cap": 4}
    first = preview(a_spec(document), 1).runs[0].point
    sweep = world.create(document, prior=prior_runs(document, [(first, ())]))
    assert sweep.planned_runs == 4
    points = [start.run.point for start in run_until_exhausted(world)]
    assert len(points) == 4, "prior runs do not count for the cap"
    assert first not in points


def test_prior_runs_are_never_the_best_and_reach_no_target(world: World) -> None:
    document: dict[str, object] = {**RANDOM, "metric": {"name": "loss", "target": 0.5}}
    sweep = world.create(document, prior=prior_runs(document, [({"x": 0.25}, (0.1,))]))
    assert (sweep.best, sweep.ending, sweep.counts.total) == (None, None, 0)
    session = world.attach()
    (start,) = world.offer(session)
    world.confirms(session, start)
    world.logs(session, start.ref, 1, 0.75)
    best = world.sweep().best
    assert best is not None
    assert (best.run, best.value) == (1, 0.75)


def test_a_canary_goes_first_also_in_a_sweep_with_prior_runs(world: World) -> None:
    document: dict[str, object] = {**RANDOM, **OBJECTIVE, "canary": True}
    world.create(document, prior=prior_runs(document, [({"x": 0.25}, (0.1,))]))
    session = world.attach(slots=3)
    assert len(world.offer(session, 3)) == 1


def running_with_curves(
    world: World, document: dict[str, object], curves: list[tuple[float, ...]]
) -> StartRun:
    """Create a sweep with curves of prior runs, and start its first run."""
    tried: list[tuple[Point, tuple[float, ...]]] = [
        ({"x": place / 100}, curve) for place, curve in enumerate(curves)
    ]
    world.create(document, prior=prior_runs(document, list(tried)))
    session = world.attach()
    (start,) = world.offer(session)
    world.confirms(session, start)
    return start


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [
        ({"type": "asha", "eta": 3}, "0.1; rank 4 of 4, 3 of them prior runs"),
        ({"type": "hyperband", "eta": 3}, "0.2; rank 4 of 4, 3 of them prior runs"),
        ({"type": "median", "min_runs": 3}, "0.2, the median of 3 other runs, 3 of them prior runs"),
    ],
)
def test_early_termination_compares_with_prior_runs_and_its_reason_mentions_them(
    world: World, rule: dict[str, object], threshold: str
) -> None:
    document: dict[str, object] = {**RANDOM, **OBJECTIVE, "early_terminate": {**rule, "min_iter": 2}}
    start = running_with_curves(world, document, [(0.5, 0.1), (0.6, 0.2), (0.7, 0.3)])
    world.restarts()
    session = world.attach(attempts=(world.held(start.run.key, start.ref),))
    world.logs(session, start.ref, 1, 0.9, 0.9)
    stop = world.run((1, 1)).stop
    assert stop is not None
    reason = f"early termination ({rule['type']}): 0.9 at iteration 2 is worse than {threshold}"
    assert stop.reason == reason
    assert world.run((1, 1)).verdicts[0].prior == 3


def test_the_search_observes_prior_runs_before_its_own() -> None:
    document: dict[str, object] = {**RANDOM, **OBJECTIVE, "method": "bayes"}
    tried: list[tuple[Point, tuple[float, ...]]] = [({"x": 0.25}, (3.0, 1.0)), ({"x": 0.5}, (2.0,))]
    priors = [
        *prior_runs(document, list(tried)),
        replace(prior_runs(document, [({"x": 0.75}, ())], state=RunState.FAILED)[0], index=3),
    ]
    world = World()
    sweep = world.create(document, prior=priors)
    assert sweep.observations == 6
    lines = [
        StudyLine(note=note, point=priors[-note.run - 1].point if note.event == "handed-out" else None)
        for note in prior_observations(sweep, priors)
    ]
    request = v1.SuggestRequest(sweep="s", first_observation=1, observations=map(observation_message, lines))
    study = Study(sweep.spec)
    study.observe(1, study_update(v1.SuggestRequest.FromString(request.SerializeToString())).observations)
    metric = sweep.spec.metric
    assert metric is not None
    found = evidence(study.runs.values(), metric)
    assert {one.run_number: (one.point["x"], one.loss) for one in found.valued} == {
        -1: (0.25, 1.0),
        -2: (0.5, 2.0),
        -3: (0.75, 3.0),  # failed: as bad as the worst value
    }
    assert study.points_before(1) == 3
    memory = world.everything().observations(sweep.key, 0, 100).entries
    assert list(memory) == lines, "the stored and the sent observations agree"


def test_a_finite_space_covered_by_prior_runs_is_not_searched(world: World) -> None:
    document: dict[str, object] = {
        "method": "bayes",
        "parameters": {"a": {"values": [1, 2]}},
        **OBJECTIVE,
    }
    sweep = world.create(document, prior=prior_runs(document, [({"a": 1}, (1.0,)), ({"a": 2}, (2.0,))]))
    assert sweep.state is SweepState.FINISHED
