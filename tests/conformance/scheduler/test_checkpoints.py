"""Checkpoints of an attempt for its successor, in every kind of store."""

from __future__ import annotations

from conformance.scheduler.conftest import Opened, StoredWorld
from sweepd_scheduler.domain.events import Described
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from unit.scheduler.world import OBJECTIVE, PARENT, RANDOM

KEY = (1, 1)
HANDED_BACK = Exit(cause=ExitCause.HANDED_BACK, signal=15)


def test_an_attempt_resumes_from_the_checkpoint_of_its_predecessor_after_a_restart(
    world: StoredWorld, opened: Opened
) -> None:
    rules = [{"type": "hyperband", "min_iter": 2, "eta": 2}, {"type": "patience", "iterations": 5}]
    world.create({**RANDOM, **OBJECTIVE, "early_terminate": rules})
    session = world.attach("ann", storage="nfs")
    ref = world.takes_one(session).ref
    world.logs(session, ref, 1, 5.0, 4.0, 3.0)
    world.saves(session, ref, 4, step=2)
    world.logs(session, ref, 5, 9.0)
    world.happens(Described(session=session, ref=ref, sequence=1, body=b"", preempting=True))
    world.exits(session, ref, HANDED_BACK, last_row=5, log_bytes=7)
    before = world.run(KEY)
    world.save()
    world.restart()
    assert world.state.runs[KEY].attempts == before.attempts
    assert (before.newest.storage, before.newest.preempting) == ("nfs", True)
    assert before.newest.log_bytes == 7
    assert [each.values.iterations for each in before.newest.checkpoints] == [3]

    session = world.attach("bob", storage="nfs")
    ref = world.takes_one(session).ref
    world.resumes(session, ref, 2)
    world.save()
    world.restart()
    run = world.state.runs[KEY]
    assert (run.values.iterations, run.values.best, run.newest.resumed_from_step) == (3, 3.0, 2)
    rungs = world.state.index[1].rungs
    assert {rung for (_, rung), values in rungs.items() if run.number in values.by_run} == {2}
    (known,) = opened.records.known([(RunName(SweepName(PARENT, "s"), 1), 2)])
    assert known is not None
    assert known.resumed_from_step == 2
