"""Prior runs of a sweep: stored, restored and read, in every kind of store."""

from dataclasses import replace

from conformance.scheduler.conftest import StoredWorld
from sweepd.spec.point import Point
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.runs.results import RunSample
from sweepd_scheduler.domain.search.prior_runs import prior_observations
from sweepd_scheduler.domain.search.study import StudyEvent
from sweepd_scheduler.domain.transitions import RunState, SweepState
from sweepd_scheduler.reads.importance import evenly_chosen
from sweepd_scheduler.store.ports import TriedPoint
from unit.scheduler.invariants import check_restored
from unit.scheduler.prior import prior_runs
from unit.scheduler.world import OBJECTIVE, PARENT, RANDOM

BAYES: dict[str, object] = {
    **RANDOM,
    **OBJECTIVE,
    "method": "bayes",
    "early_terminate": [{"type": "median", "min_iter": 1, "min_runs": 1}, {"type": "asha", "min_iter": 2}],
}
TRIED: list[tuple[Point, tuple[float, ...]]] = [
    ({"x": 0.25}, (3.0, 1.0)),
    ({"x": 0.5}, (2.0,)),
    ({"x": 0.25}, (4.0, 0.5, 0.75)),
]


def test_prior_runs_are_restored_with_their_points_and_values_at_rungs(world: StoredWorld) -> None:
    priors = prior_runs(BAYES, TRIED)
    sweep = world.create(BAYES, prior=priors)
    world.save()
    before = world.state
    world.restart()
    check_restored(before, world.state)
    restored = world.state.sweeps[sweep.key]
    assert restored == sweep
    assert (restored.prior_runs, restored.observations) == (3, 6)
    index = world.state.index[sweep.key]
    assert sorted(index.digests.values()) == [1, 2]
    assert {key: rung.by_run for key, rung in index.rungs.items()} == {
        (0, 1): {-1: 3.0, -2: 2.0, -3: 4.0},
        (0, 2): {-1: 1.0, -3: 0.5},
        (0, 3): {-3: 0.5},
        (1, 2): {-1: 1.0, -3: 0.5},
    }
    assert {key: rung.prior for key, rung in index.rungs.items()} == {
        (0, 1): 3,
        (0, 2): 2,
        (0, 3): 1,
        (1, 2): 2,
    }


def test_prior_runs_are_listed_in_pages_and_are_observations_of_the_search(
    world: StoredWorld,
) -> None:
    assert world.opened is not None
    records = world.opened.records
    priors = prior_runs(BAYES, TRIED)
    sweep = world.create(BAYES, prior=priors)
    world.save()
    first = records.prior_runs(sweep.key, 0, 2)
    rest = records.prior_runs(sweep.key, 2, 2)
    assert (first.more, rest.more) == (True, False)
    listed = [*first.entries, *rest.entries]
    assert [(each.index, each.source, each.point, each.value) for each in listed] == [
        (each.index, each.source, each.point, each.value) for each in priors
    ]
    assert [each.values for each in listed] == [each.values for each in priors]
    lines = records.observations(sweep.key, 0, 100).entries
    assert [line.note for line in lines] == list(prior_observations(sweep, priors))
    points = [line.point for line in lines if line.note.event is StudyEvent.HANDED_OUT]
    assert points == [point for point, _ in TRIED]
    assert records.observations(sweep.key, 4, 100).entries == lines[4:]


def test_points_with_values_include_those_of_prior_runs(world: StoredWorld) -> None:
    assert world.opened is not None
    records = world.opened.records
    priors = prior_runs(BAYES, TRIED)
    failed = replace(priors[1], state=RunState.FAILED)
    sweep = world.create(BAYES, prior=[priors[0], failed, priors[2]])
    world.save()
    found = records.tried_points(sweep, RunSample.of(10, 3), 10, valued=True).entries
    assert found == tuple(TriedPoint(each.number, each.point, each.value) for each in (priors[2], priors[0]))
    assert not records.tried_points(sweep, RunSample.of(10, 3), 10, valued=False).entries


def test_an_even_share_of_large_points_is_read(world: StoredWorld) -> None:
    assert world.opened is not None
    parameters = {"lr": {"min": 0.0, "max": 1.0}, "text": {"value": "x" * 100_000}}
    document: dict[str, object] = {**BAYES, "parameters": parameters}
    tried: list[tuple[Point, tuple[float, ...]]] = [
        ({"lr": number / 100, "text": "x" * 100_000}, (1.0,)) for number in range(90)
    ]
    sweep = world.create(document, prior=prior_runs(document, tried))
    world.save()
    found = [-each.run for each in evenly_chosen(world.opened.records, sweep, 2_000, valued=True)]
    assert 20 < len(found) < 32  # 3 MB
    assert min(found) < 10
    assert max(found) > 80


def test_a_sweep_finished_by_prior_runs_has_ended_after_a_restart(world: StoredWorld) -> None:
    document: dict[str, object] = {"method": "grid", "parameters": {"a": {"values": [1, 2]}}}
    tried: list[tuple[Point, tuple[float, ...]]] = [({"a": 1}, ()), ({"a": 2}, ())]
    world.create(document, prior=prior_runs(document, tried))
    world.save()
    world.restart()
    assert [ended.state for ended in world.state.ended.values()] == [SweepState.FINISHED]
    assert world.opened is not None
    stored = world.opened.records.stored(SweepName(PARENT, "s"))
    assert stored is not None
    assert len(stored.digests) == 2, "the digests of prior runs are restored if the sweep continues"
