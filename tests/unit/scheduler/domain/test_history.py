"""History of a sweep."""

import pytest

from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.effects import HistoryEntry
from sweepd_scheduler.domain.events import Heartbeat
from sweepd_scheduler.domain.requests.requests import CancelSweep, PauseSweep, ResumeSweep, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from unit.scheduler.client_requests import S, end_run, enqueue, release, retry, set_cap
from unit.scheduler.world import OBJECTIVE, RANDOM, World

RUN = (1, 1)
REF = AttemptRef(2**31, 1)
EXIT_1 = Exit(cause=ExitCause.EXITED, code=1)
BEGUN = ["sweep-created", "sweep-running", "run-assigned 1.1", "run-started 1.1"]


@pytest.fixture
def world() -> World:
    return World()


def history(world: World) -> list[str]:
    """Return the kinds of all entries, with run and attempt."""
    entries = [each for each in world.changes if isinstance(each, HistoryEntry)]
    assert [each.number for each in entries] == list(range(1, len(entries) + 1))
    times = [each.time for each in entries]
    assert times == sorted(times)
    return [f"{each.kind} {each.run}.{each.attempt}" if each.run else each.kind for each in entries]


def detail(world: World, kind: str) -> dict[str, object]:
    entries = [each for each in world.changes if isinstance(each, HistoryEntry)]
    return dict(next(each.detail for each in reversed(entries) if each.kind == kind))


def begin(world: World, **keys: object) -> tuple[str, AttemptRef]:
    """Begin the first run of a sweep; return its session and its attempt reference."""
    world.create({**RANDOM, **keys})
    session = world.attach(slots=2)
    return session, world.takes_one(session).ref


def test_history_of_a_sweep_from_its_creation_to_its_end(world: World) -> None:
    session, ref = begin(world, run_cap=1)
    world.exits(session, ref)
    begun = [*BEGUN[:3], "sweep-ending", BEGUN[3]]
    assert history(world) == [*begun, "run-finished 1.1", "sweep-finished"]
    assert detail(world, "sweep-ending") == {"ending": "cap"}


def test_history_of_a_run_that_a_second_agent_continues(world: World) -> None:
    session, ref = begin(world)
    world.passes(31)
    world.state.renew_leases(session, world.now)
    world.happens(Heartbeat(session, (ref,)))
    world.leaves(session)
    world.passes(121)
    world.resumes(world.attach("cat", attempts=(world.held(RUN, REF),)), REF, 7)
    assert history(world) == [
        *BEGUN,
        *(f"{kind} 1.1" for kind in ("attempt-suspect", "attempt-recovered", "attempt-suspect")),
        *(f"{kind} 1.1" for kind in ("run-requeued", "run-kept", "run-taken-over", "run-resumed")),
    ]
    assert "was silent" in str(detail(world, "run-requeued")["reason"])
    assert detail(world, "run-taken-over") == {"agent": "cat"}
    assert detail(world, "run-resumed") == {"step": "7"}


def test_history_of_requests_by_clients(world: World) -> None:
    world.create(RANDOM)
    world.happens(PauseSweep(S))
    world.happens(ResumeSweep(S))
    enqueue(world, {"x": 0.5})
    set_cap(world, 3)
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    retry(world, 1)
    world.takes_one(session)
    end_run(world, 1)
    world.happens(StopSweep(S))
    assert history(world) == [
        *("sweep-created", "sweep-pause", "sweep-resume", "run-enqueued 1.0", "sweep-edited"),
        *("sweep-running", "run-assigned 1.1", "run-started 1.1", "run-failed 1.1", "run-retried 1.1"),
        *("run-assigned 1.2", "run-started 1.2", "run-stop-decided 1.2", "sweep-stop"),
    ]
    assert detail(world, "sweep-edited") == {"fields": "run_cap"}
    assert detail(world, "run-retried") == {"before": "failed"}
    assert detail(world, "run-stop-decided") == {"reason": "stopped by a person"}


def test_history_of_a_cancelled_sweep(world: World) -> None:
    session, ref = begin(world)
    world.happens(CancelSweep(S))
    world.exits(session, ref, Exit(cause=ExitCause.COMMANDED))
    assert history(world) == [*BEGUN, "sweep-cancel", "run-killed 1.1"]


def test_history_of_a_sweep_that_timed_out(world: World) -> None:
    world.exits(*begin(world, sweep_timeout="1m"))
    world.passes(61)
    assert history(world) == [*BEGUN, "run-finished 1.1", "sweep-timeout", "sweep-stopped"]
    assert detail(world, "sweep-timeout") == {"reason": "sweep_timeout of 1m has passed"}


def test_history_of_a_reached_target(world: World) -> None:
    session, ref = begin(world, metric={**OBJECTIVE["metric"], "target": 0.1})
    world.logs(session, ref, 1, 0.05)
    world.exits(session, ref, last_row=1)
    assert history(world) == [*BEGUN, "sweep-ending 1.1", "run-finished 1.1", "sweep-finished"]
    assert detail(world, "sweep-ending") == {"ending": "target"}


def test_history_of_a_run_stopped_by_early_termination(world: World) -> None:
    session, ref = begin(world, **OBJECTIVE, early_terminate={"type": "threshold", "value": 0.5, "at": 1})
    world.logs(session, ref, 1, 9.0)
    assert history(world) == [*BEGUN, "run-stop-decided 1.1"]


def test_history_of_a_failed_canary(world: World) -> None:
    session, ref = begin(world, canary=True, **OBJECTIVE)
    world.exits(session, ref, EXIT_1)
    assert history(world) == [*BEGUN, "run-failed 1.1", "sweep-failed"]


def test_history_of_a_quarantined_agent(world: World) -> None:
    session, ref = begin(world, guard={"agent": 1})
    world.exits(session, ref, EXIT_1)
    release(world, "ann")
    assert history(world) == [
        *(*BEGUN, "run-failed 1.1", "agent-quarantined 1.1", "sweep-paused"),
        *("agent-released", "sweep-resume"),
    ]
    assert detail(world, "agent-quarantined")["agent"] == "ann"
    assert detail(world, "sweep-paused")["cause"] == "all-agents-quarantined"
    assert detail(world, "agent-released") == detail(world, "sweep-resume") == {"agent": "ann"}


def test_history_of_a_standalone_run_that_was_lost_and_restarted(world: World) -> None:
    world.start_standalone("abcdefgh")
    world.passes(121)
    world.start_standalone("abcdefgh")
    world.start_standalone("abcdefgh", attempt=2)
    assert history(world) == [
        *("run-created 1.1", "attempt-suspect 1.1", "run-crashed 1.1", "run-claimed 1.1", "run-claimed 1.1")
    ]
    assert detail(world, "run-claimed") == {"before": "running", "agent": "ann", "begins": 2}
