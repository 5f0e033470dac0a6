"""Slot and devices of a run."""

from __future__ import annotations

from dataclasses import replace

from sweepd_agent.core import events as e
from sweepd_agent.core.attempt import Assignment, ExitCause, Outcome, Place
from sweepd_agent.core.state import Held, Phase, Settings, Standing, State
from unit.agent.core.play import SWEEP, Play, assignment

PAIRS = (("0", "1"), ("2", "3"))


def begun(play: Play, given: Assignment) -> Place:
    """Hand out and start a run; return its slot and devices."""
    effects = play.happens(e.StartReceived(given.number, given), e.Journalled(given.key, given.number))
    (place,) = [effect.place for effect in effects if isinstance(effect, e.Launch)]
    play.happens(e.ProcessStarted(given.key, 70 + given.number))
    return place


def finish(play: Play, given: Assignment) -> None:
    """End a run with exit code 0 and acknowledge its end."""
    play.happens(
        e.ProcessEnded(given.key, Outcome(code=0)), e.ExitReported(given.key), e.ExitAcked(given.key)
    )


def found(settings: Settings, *held: Held) -> Play:
    """Return an agent that found attempts in its folder."""
    play = Play(settings)
    by_key = {one.key: one for one in held}
    play.state = State(settings=settings, sweeps=frozenset({SWEEP}), started=0.0, held=by_key)
    return play


def running(number: int, place: Place | None) -> Held:
    return Held(assignment=assignment(number), phase=Phase.RUNNING, pid=7, place=place)


def test_a_run_gets_the_lowest_free_slot_and_keeps_it() -> None:
    play = Play(Settings(slots=3))
    play.connected()
    runs = [assignment(number) for number in range(1, 6)]
    assert [begun(play, run).slot for run in runs[:3]] == [0, 1, 2]
    finish(play, runs[1])
    assert begun(play, runs[3]) == Place(slot=1)
    finish(play, runs[0])
    assert begun(play, runs[4]) == Place(slot=0)
    held = play.state.held[runs[2].key]
    assert held.place == Place(slot=2)


def test_each_slot_has_its_own_devices() -> None:
    play = Play(Settings(slots=2, gpus=PAIRS))
    play.connected()
    assert begun(play, assignment(1)) == Place(slot=0, gpus=("0", "1"))
    assert begun(play, assignment(2)) == Place(slot=1, gpus=("2", "3"))


def test_a_run_beyond_the_slots_is_refused() -> None:
    play = Play()
    play.connected()
    begun(play, assignment(1))
    second = assignment(2)
    assert play.happens(e.StartReceived(9, second)) == [e.Confirm(9, "this agent has no free slot")]
    assert second.key not in play.state.held


def test_slot_and_devices_of_an_adopted_run_are_not_given_to_another() -> None:
    play = found(Settings(slots=2, gpus=PAIRS), running(1, Place(slot=1, gpus=("2", "3"))))
    assert play.connected() == [e.ReportStart(assignment(1).key), e.Offer(1)]
    assert begun(play, assignment(2)) == Place(slot=0, gpus=("0", "1"))


def test_devices_of_an_adopted_run_block_every_slot_that_would_share_them() -> None:
    """The agent was restarted with its devices divided differently."""
    play = found(Settings(slots=2, gpus=PAIRS), running(1, Place(slot=5, gpus=("1", "2"))))
    play.connected()
    assert play.state.wanted == 0
    finish(play, assignment(1))
    assert play.state.wanted == 2


def test_adopted_runs_count_even_if_this_agent_does_not_have_their_slots() -> None:
    play = found(Settings(slots=2), running(1, Place(slot=7)), running(2, Place(slot=8)))
    play.connected()
    assert play.state.wanted == 0
    finish(play, assignment(1))
    assert begun(play, assignment(3)) == Place(slot=0)


def test_an_adopted_run_without_a_slot_takes_one() -> None:
    play = found(Settings(slots=2), running(1, None))
    assert play.state.wanted == 1
    assert play.state.place_for_found(None) == Place(slot=0)


def unstarted(number: int, place: Place | None = None) -> Held:
    return Held(assignment=assignment(number), phase=Phase.READY, place=place)


def test_an_unstarted_run_starts_in_its_recorded_slot_if_that_is_free() -> None:
    play = found(Settings(slots=3), unstarted(1), unstarted(2, Place(slot=2)))
    launched = [effect for effect in play.connected() if isinstance(effect, e.Launch)]
    assert [(effect.key.run[-1], effect.place.slot) for effect in launched] == [("1", 0), ("2", 2)]


def test_an_unstarted_run_without_a_free_slot_is_handed_back() -> None:
    play = found(Settings(slots=1), running(1, Place(slot=0)), unstarted(2, Place(slot=1)))
    effects = play.connected()
    exits = [
        (effect.key.run[-1], effect.exit.cause) for effect in effects if isinstance(effect, e.ReportExit)
    ]
    assert exits == [("2", ExitCause.HANDED_BACK)]
    assert not any(isinstance(effect, e.Launch) for effect in effects)


def test_an_unstarted_run_recorded_with_other_devices_gets_those_of_this_agent() -> None:
    play = found(Settings(slots=1, gpus=(("4",),)), unstarted(1, Place(slot=0, gpus=("0",))))
    (launch,) = [effect for effect in play.connected() if isinstance(effect, e.Launch)]
    assert launch.place == Place(slot=0, gpus=("4",))


def test_a_process_that_is_being_stopped_keeps_its_slot_until_it_has_ended() -> None:
    play = Play(Settings(slots=1))
    play.running()
    key = assignment().key
    play.happens(e.Fenced(key))
    assert play.state.wanted == 0
    play.happens(e.ProcessEnded(key, Outcome(signal=9, stopped=True)))
    assert play.state.wanted == 1
    assert replace(play.state, held={}).free_places() == [Place(slot=0)]


def test_an_attempt_occupies_its_slot_until_its_end_is_reported_or_stored() -> None:
    def taken(phase: Phase, standing: Standing, *, reported: bool = False, acked: bool = False) -> bool:
        held = Held(assignment=assignment(), phase=phase, standing=standing, reported=reported, acked=acked)
        return held.takes_slot

    for standing in Standing:
        kept = standing is Standing.KEPT
        assert taken(Phase.READY, standing) is kept
        assert all(taken(phase, standing) for phase in (Phase.JOURNALLING, Phase.STARTING, Phase.RUNNING))
        assert taken(Phase.ENDED, standing) is kept
        assert not taken(Phase.ENDED, standing, reported=True)
        assert not taken(Phase.ENDED, standing, acked=True)


def test_only_a_kept_attempt_without_a_process_is_undelivered() -> None:
    held = {
        (phase, standing): Held(assignment=assignment(), phase=phase, standing=standing)
        for phase in Phase
        for standing in Standing
    }
    assert {each for each, one in held.items() if one.undelivered} == {
        (Phase.READY, Standing.KEPT),
        (Phase.ENDED, Standing.KEPT),
    }
    assert {phase for (phase, _), one in held.items() if one.has_process} == {
        Phase.JOURNALLING,
        Phase.STARTING,
        Phase.RUNNING,
    }


def test_a_count_excludes_foreign_and_already_ended_attempts() -> None:
    ended = Held(assignment=assignment(3), phase=Phase.ENDED)
    foreign = replace(running(2, Place(slot=1)), foreign=True)
    play = found(Settings(slots=5, count=4), running(1, Place(slot=0)), foreign, ended)
    play.state = replace(play.state, ended=1)
    assert play.state.count_left == 2
    assert replace(play.state, settings=Settings()).count_left is None
    assert play.state.wanted == 2
    assert replace(play.state, ended=9).wanted == 0


def test_an_agent_waits_while_it_is_connected_and_would_take_a_run() -> None:
    play = Play()
    alone = play.state
    play.connected()
    idle = play.state
    begun(play, assignment(1))
    states = alone, idle, replace(idle, sweeps=frozenset()), play.state
    assert [state.waits for state in states] == [False, True, False, False]


def test_a_sweep_is_served_under_its_full_name_or_its_id_even_after_its_end() -> None:
    state = State(settings=Settings(), sweeps=frozenset({SWEEP}), served=frozenset({"k3x"}), started=0.0)
    names = {SWEEP: True, "a/b/k3x": True, "tune": False, "local/demo/other": False}
    assert {name: state.serves(name) for name in names} == names


def test_an_unstarted_run_does_not_count_other_unstarted_runs() -> None:
    play = found(Settings(slots=2), unstarted(1, Place(slot=1)), unstarted(2, Place(slot=1)))
    launched = [effect.place.slot for effect in play.connected() if isinstance(effect, e.Launch)]
    assert launched == [1, 0]
