"""Details of runs besides metrics, in every kind of store: the newest report is kept."""

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


def says(world: StoredWorld, session: str, ref: AttemptRef, sequence: int, body: bytes) -> None:
    world.happens(Described(session=session, ref=ref, sequence=sequence, body=body))
    world.save()


def stored_sequence(opened: Opened, attempt: int) -> int:
    (known,) = opened.records.known([(NAME, attempt)])
    assert known is not None
    return known.details_sequence


def test_the_newest_replaces_what_came_before(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.save()
    assert opened.records.details(KEY) is None
    assert stored_sequence(opened, 1) == 0
    says(world, session, start.ref, 1, b"one")
    says(world, session, start.ref, 3, b"three")
    assert opened.records.details(KEY) == b"three"
    assert stored_sequence(opened, 1) == 3
    for late in (2, 3):
        says(world, session, start.ref, late, b"late")
        assert opened.records.details(KEY) == b"three"
    assert [command for _, command in world.sent][-1] == Ack(ref=start.ref, details_sequence=3)
    world.restart()
    assert opened.records.details(KEY) == b"three"


def test_several_in_one_turn_leave_the_newest(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    for sequence, body in ((2, b"two"), (1, b"one")):
        world.happens(Described(session=session, ref=start.ref, sequence=sequence, body=body))
    world.save()
    assert opened.records.details(KEY) == b"two"


def test_what_an_ended_attempt_still_tells_is_kept(world: StoredWorld, opened: Opened) -> None:
    """Details are stored like points: the end does not wait for them."""
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.exits(session, start.ref)
    says(world, session, start.ref, 1, b"last words")
    assert opened.records.details(KEY) == b"last words"


def test_a_newer_attempt_wins_and_an_older_one_is_fenced(world: StoredWorld, opened: Opened) -> None:
    world.create({**GRID_4, "retry": {"failure": 1}})
    session = world.attach()
    first = world.takes_one(session)
    says(world, session, first.ref, 7, b"first")
    world.exits(session, first.ref, Exit(cause=ExitCause.EXITED, code=1))
    second = world.takes_one(session)
    assert (second.run.number, second.ref.attempt) == (1, 2)
    says(world, session, second.ref, 1, b"second")
    assert opened.records.details(KEY) == b"second"
    assert (stored_sequence(opened, 1), stored_sequence(opened, 2)) == (0, 1)
    says(world, session, first.ref, 8, b"late")
    assert opened.records.details(KEY) == b"second"


def test_a_fenced_attempt_tells_nothing(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach("ann")
    start = world.takes_one(session)
    world.passes(10_000.0)
    other = world.attach("bob")
    again = world.takes_one(other)
    assert again.run.number == 1
    says(world, session, start.ref, 1, b"fenced")
    assert opened.records.details(KEY) is None
    assert (session, Fenced(start.ref)) in world.sent


def names(world: StoredWorld, session: str, ref: AttemptRef, sequence: int, name: str, *tags: str) -> None:
    """Tell the name and the tags of a run."""
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


def test_lists_have_the_name_of_the_newest_report(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.save()
    assert listed_name(opened) == ""
    names(world, session, start.ref, 1, "first")
    names(world, session, start.ref, 3, "baseline")
    assert listed_name(opened) == world.state.runs[KEY].display_name == "baseline"
    names(world, session, start.ref, 2, "late")
    assert listed_name(opened) == "baseline"
    world.restart()
    assert world.state.runs[KEY].display_name == "baseline"


def test_lists_have_the_tags_of_the_newest_report(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.save()
    before = opened.records.snapshot(KEY[0], 0, 1).number
    assert listed_tags(opened) == ()
    names(world, session, start.ref, 1, "a", "x")
    names(world, session, start.ref, 2, "a")
    assert listed_tags(opened) == world.state.runs[KEY].tags == ()
    names(world, session, start.ref, 4, "a", "größer", "z")
    names(world, session, start.ref, 3, "a", "late")
    tags = ("größer", "z")
    assert listed_tags(opened) == tags
    resumed = opened.records.changed_since(KEY[0], before, 10)
    assert resumed is not None
    assert [run.tags for run in resumed.runs] == [tags]
    world.restart()
    assert world.state.runs[KEY].tags == tags


def test_watchers_get_a_name_once(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.save()
    before = opened.records.snapshot(KEY[0], 0, 1).number
    count = len(world.changes)
    for sequence in (1, 2):
        names(world, session, start.ref, sequence, "baseline")
    changed = [change.run for change in world.changes[count:] if isinstance(change, RunChanged)]
    assert [run.display_name for run in changed] == ["baseline"]
    resumed = opened.records.changed_since(KEY[0], before, 10)
    assert resumed is not None
    assert [run.display_name for run in resumed.runs] == ["baseline"]


def test_a_name_that_comes_after_the_end_is_listed(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    session = world.attach()
    start = world.takes_one(session)
    world.exits(session, start.ref)
    world.save()
    before = opened.records.snapshot(KEY[0], 0, 1).number
    names(world, session, start.ref, 1, "baseline")
    assert listed_name(opened) == "baseline"
    resumed = opened.records.changed_since(KEY[0], before, 10)
    assert resumed is not None
    assert [run.display_name for run in resumed.runs] == ["baseline"]


def test_a_run_that_is_tried_again_is_called_what_its_newest_attempt_says(
    world: StoredWorld, opened: Opened
) -> None:
    world.create({**GRID_4, "retry": {"failure": 1}})
    session = world.attach()
    first = world.takes_one(session)
    names(world, session, first.ref, 7, "first")
    world.exits(session, first.ref, Exit(cause=ExitCause.EXITED, code=1))
    second = world.takes_one(session)
    assert second.run.display_name == "first"
    names(world, session, second.ref, 1, "second")
    names(world, session, first.ref, 8, "late")
    assert listed_name(opened) == world.state.runs[KEY].display_name == "second"
