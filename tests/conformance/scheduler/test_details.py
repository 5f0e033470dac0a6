"""Details of runs, in every kind of store: the newest report is kept."""

from __future__ import annotations

from conformance.scheduler.conftest import Opened, StoredWorld
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.effects import Ack, Fenced, RunChanged
from sweepd_scheduler.domain.events import Described
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from unit.scheduler.world import GRID_4, PARENT

KEY = (1, 1)
NAME = RunName(SweepName(PARENT, "s"), 1)


def report_details(world: StoredWorld, session: str, ref: AttemptRef, sequence: int, body: bytes) -> None:
    world.happens(Described(session=session, ref=ref, sequence=sequence, body=body))
    world.save()


def stored_sequence(opened: Opened, attempt: int) -> int:
    (known,) = opened.records.known([(NAME, attempt)])
    assert known is not None
    return known.details_sequence


def test_a_newer_report_replaces_older_ones(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.save()
    assert opened.records.details(KEY) is None
    assert stored_sequence(opened, 1) == 0
    report_details(world, session, start.ref, 1, b"one")
    report_details(world, session, start.ref, 3, b"three")
    assert opened.records.details(KEY) == b"three"
    assert stored_sequence(opened, 1) == 3
    for late in (2, 3):
        report_details(world, session, start.ref, late, b"late")
        assert opened.records.details(KEY) == b"three"
    assert [command for _, command in world.sent][-1] == Ack(ref=start.ref, details_sequence=3)
    world.restart()
    assert opened.records.details(KEY) == b"three"


def test_the_newest_of_several_reports_in_a_batch_is_stored(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    for sequence, body in ((2, b"two"), (1, b"one")):
        world.happens(Described(session=session, ref=start.ref, sequence=sequence, body=body))
    world.save()
    assert opened.records.details(KEY) == b"two"


def test_details_of_an_ended_attempt_are_stored(world: StoredWorld, opened: Opened) -> None:
    """Like points, details may be stored after the exit."""
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.exits(session, start.ref)
    report_details(world, session, start.ref, 1, b"late details")
    assert opened.records.details(KEY) == b"late details"


def test_details_of_a_newer_attempt_replace_those_of_an_older_one(world: StoredWorld, opened: Opened) -> None:
    world.create({**GRID_4, "retry": {"failure": 1}})
    session = world.attach()
    first = world.takes_one(session)
    report_details(world, session, first.ref, 7, b"first")
    world.exits(session, first.ref, Exit(cause=ExitCause.EXITED, code=1))
    second = world.takes_one(session)
    assert (second.run.number, second.ref.attempt) == (1, 2)
    report_details(world, session, second.ref, 1, b"second")
    assert opened.records.details(KEY) == b"second"
    assert (stored_sequence(opened, 1), stored_sequence(opened, 2)) == (0, 1)
    report_details(world, session, first.ref, 8, b"late")
    assert opened.records.details(KEY) == b"second"


def test_details_of_a_fenced_attempt_are_not_stored(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach("ann")
    start = world.takes_one(session)
    world.passes(10_000.0)
    other = world.attach("bob")
    second = world.takes_one(other)
    assert second.run.number == 1
    report_details(world, session, start.ref, 1, b"fenced")
    assert opened.records.details(KEY) is None
    assert (session, Fenced(start.ref)) in world.sent


def report_name(
    world: StoredWorld, session: str, ref: AttemptRef, sequence: int, name: str, *tags: str
) -> None:
    """Report the name and the tags of a run."""
    body = name.encode()
    event = Described(session=session, ref=ref, sequence=sequence, body=body, display_name=name, tags=tags)
    world.happens(event)
    world.save()


def listed_tags(opened: Opened) -> tuple[str, ...]:
    sweep = opened.records.sweep(NAME.sweep)
    assert sweep is not None
    return opened.records.runs(sweep, (), None, 1, best=False).entries[0].tags


def listed_name(opened: Opened) -> str:
    sweep = opened.records.sweep(NAME.sweep)
    assert sweep is not None
    return opened.records.runs(sweep, (), None, 1, best=False).entries[0].display_name


def test_lists_have_the_name_in_the_newest_report(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.save()
    assert listed_name(opened) == ""
    report_name(world, session, start.ref, 1, "first")
    report_name(world, session, start.ref, 3, "baseline")
    assert listed_name(opened) == world.state.runs[KEY].display_name == "baseline"
    report_name(world, session, start.ref, 2, "late")
    assert listed_name(opened) == "baseline"
    world.restart()
    assert world.state.runs[KEY].display_name == "baseline"


def test_lists_have_the_tags_in_the_newest_report(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.save()
    before = opened.records.snapshot(KEY[0], 0, 1).number
    assert listed_tags(opened) == ()
    report_name(world, session, start.ref, 1, "a", "x")
    report_name(world, session, start.ref, 2, "a")
    assert listed_tags(opened) == world.state.runs[KEY].tags == ()
    report_name(world, session, start.ref, 4, "a", "größer", "z")
    report_name(world, session, start.ref, 3, "a", "late")
    tags = ("größer", "z")
    assert listed_tags(opened) == tags
    resumed = opened.records.changed_since(KEY[0], before, 10)
    assert resumed is not None
    assert [run.tags for run in resumed.runs] == [tags]
    world.restart()
    assert world.state.runs[KEY].tags == tags


def test_a_repeated_name_is_not_a_change_for_watches(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.save()
    before = opened.records.snapshot(KEY[0], 0, 1).number
    count = len(world.changes)
    for sequence in (1, 2):
        report_name(world, session, start.ref, sequence, "baseline")
    changed = [change.run for change in world.changes[count:] if isinstance(change, RunChanged)]
    assert [run.display_name for run in changed] == ["baseline"]
    resumed = opened.records.changed_since(KEY[0], before, 10)
    assert resumed is not None
    assert [run.display_name for run in resumed.runs] == ["baseline"]


def test_a_name_reported_after_the_exit_is_listed(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.exits(session, start.ref)
    world.save()
    before = opened.records.snapshot(KEY[0], 0, 1).number
    report_name(world, session, start.ref, 1, "baseline")
    assert listed_name(opened) == "baseline"
    resumed = opened.records.changed_since(KEY[0], before, 10)
    assert resumed is not None
    assert [run.display_name for run in resumed.runs] == ["baseline"]


def test_a_retried_run_has_the_name_from_its_newest_attempt(world: StoredWorld, opened: Opened) -> None:
    world.create({**GRID_4, "retry": {"failure": 1}})
    session = world.attach()
    first = world.takes_one(session)
    report_name(world, session, first.ref, 7, "first")
    world.exits(session, first.ref, Exit(cause=ExitCause.EXITED, code=1))
    second = world.takes_one(session)
    assert second.run.display_name == "first"
    report_name(world, session, second.ref, 1, "second")
    report_name(world, session, first.ref, 8, "late")
    assert listed_name(opened) == world.state.runs[KEY].display_name == "second"
