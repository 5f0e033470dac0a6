"""Enumeration index of a sweep: it is stored and restored, also if it has more than 64 bits."""

from dataclasses import replace

from conformance.scheduler.conftest import Opened, StoredWorld
from sweepd.spec.point import canonical_json
from sweepd_scheduler.domain.effects import SweepChanged
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.transitions import SweepState
from unit.scheduler.world import PARENT, RANDOM

MODELS = [f"m{number}" for number in range(40)]
WIDE = {
    "method": "grid",
    "parameters": {
        "kind": {"values": MODELS},
        **{f"{model}_depth": {"values": [1, 2, 3], "when": f"kind == '{model}'"} for model in MODELS},
    },
}


def test_a_grid_with_few_points_in_very_many_combinations_runs_each_once(
    world: StoredWorld, opened: Opened
) -> None:
    """P13, with 120 points among 10^20 combinations: the cursor is a number of more than 64 bits."""
    world.create(WIDE)
    points: list[str] = []
    while not points or 1 in world.state.sweeps:
        session = world.attach(slots=40)
        starts = world.offer(session, 40)
        points += [canonical_json(start.run.point) for start in starts]
        for start in starts:
            world.confirms(session, start)
            world.exits(session, start.ref)
        world.save()
        if len(points) < 120:
            world.restart()
            assert world.state.sweeps[1].cursor > 2**63
    assert len(points) == len(set(points)) == 120
    found = opened.records.sweep(SweepName(PARENT, "s"))
    assert found is not None
    assert (found.state, found.counted, found.planned_runs) == (SweepState.FINISHED, 120, 120)


def test_cursors_of_thousands_of_digits_are_stored(world: StoredWorld, opened: Opened) -> None:
    sweep = world.create(RANDOM)
    far = replace(sweep, cursor=7 * 10**5_000 + 1, enumeration_index=2**63)
    world.changes.append(SweepChanged(far))
    world.save()
    found = opened.records.sweep(sweep.name)
    assert found is not None
    assert (found.cursor, found.enumeration_index) == (far.cursor, far.enumeration_index)
