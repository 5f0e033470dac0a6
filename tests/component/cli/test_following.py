"""Waiting for sweeps and watching them, across interruptions."""

from __future__ import annotations

import threading
import time

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from sweepd import v1
from unit.cli.messages import NAME, a_run, a_sweep
from waiting import until


@pytest.fixture(autouse=True)
def _a_sweep(server: ScriptedServer) -> None:
    server.sweeps.sweeps[NAME] = a_sweep()
    run = a_run(1, state=v1.RUN_STATE_RUNNING)
    server.sweeps.runs[run.name] = run


def ended(state: v1.SweepState.ValueType = v1.SWEEP_STATE_FINISHED) -> v1.WatchSweepResponse:
    return v1.WatchSweepResponse(sweep=a_sweep(state=state), resume_token="9")


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (v1.SWEEP_STATE_PENDING, 7),
        (v1.SWEEP_STATE_RUNNING, 7),
        (v1.SWEEP_STATE_PAUSED, 7),
        (v1.SWEEP_STATE_FINISHED, 0),
        (v1.SWEEP_STATE_STOPPED, 0),
        (v1.SWEEP_STATE_FAILED, 8),
        (v1.SWEEP_STATE_CANCELLED, 8),
    ],
)
def test_wait_with_a_timeout_of_zero_checks_once(
    ctl: Ctl, server: ScriptedServer, state: v1.SweepState.ValueType, code: int
) -> None:
    server.sweeps.sweeps[NAME].state = state
    ctl("wait", NAME, "--timeout", "0", code=code)


def test_wait_returns_when_the_sweep_ends(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.changes.put(ended())
    ctl("wait", NAME, "--timeout", "20s")


def test_wait_gives_up_after_its_timeout(ctl: Ctl) -> None:
    begun = time.monotonic()
    ctl("wait", NAME, "--timeout", "300ms", code=7)
    assert 0.2 < time.monotonic() - begun < 5


def test_wait_for_a_value(ctl: Ctl, server: ScriptedServer) -> None:
    better = a_sweep()
    better.best_value = 0.05
    server.sweeps.changes.put(v1.WatchSweepResponse(sweep=better))
    ctl("wait", NAME, "--for", "best<0.1", "--timeout", "20s")


def test_wait_fails_when_the_sweep_ends_without_the_value(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.changes.put(ended())
    ctl("wait", NAME, "--for", "best<0.01", "--timeout", "20s", code=8)


def test_wait_for_a_run(ctl: Ctl, server: ScriptedServer) -> None:
    failed = a_run(1, state=v1.RUN_STATE_FAILED)
    server.sweeps.changes.put(v1.WatchSweepResponse(runs=[failed]))
    ctl("wait", "k3x9v2ab:1", "--timeout", "20s", code=8)


def test_a_standalone_run_has_no_value_to_wait_for(ctl: Ctl, server: ScriptedServer) -> None:
    name = "local/train/byhand42"
    server.sweeps.runs[name] = v1.Run(name=name, state=v1.RUN_STATE_RUNNING, attempt=1)
    assert "has no objective" in ctl("wait", name, "--for", "best<1", code=2).err


def test_wait_continues_after_a_restart_of_the_server(ctl: Ctl, server: ScriptedServer) -> None:
    def restart() -> None:
        until(lambda: server.sweeps.watches == 1)
        server.stop()
        time.sleep(0.3)  # longer than the first pause: at least one try finds no server
        server.restart()
        until(lambda: server.sweeps.watches == 2)
        server.sweeps.changes.put(ended())

    threading.Thread(target=restart, daemon=True).start()
    ctl("wait", NAME, "--timeout", "30s")


def test_watch_writes_lines_in_a_pipe_and_ends_with_the_sweep(ctl: Ctl, server: ScriptedServer) -> None:
    better = v1.WatchSweepResponse(sweep=a_sweep(best=(1, 0.5)), runs=[a_run(1, value=0.5)], resume_token="1")
    server.sweeps.changes.put(better)
    server.sweeps.changes.put(ended(v1.SWEEP_STATE_CANCELLED))
    done = ctl("watch", NAME, code=8)
    assert "run 1 finished  val_loss=0.5 (best so far)" in done.out
    assert "sweep cancelled" in done.out
    assert "\x1b" not in done.out


def test_watch_shows_once_how_to_start_an_agent(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.changes.put(v1.WatchSweepResponse(sweep=a_sweep(), resume_token="1"))
    server.sweeps.changes.put(ended())
    assert ctl("watch", NAME).out.count(f"no agent is connected. Start one:  sweep-agent --sweep {NAME}") == 1


def test_watch_points_to_a_log_when_all_runs_of_the_sweep_have_failed(
    ctl: Ctl, server: ScriptedServer
) -> None:
    failed = a_run(2, state=v1.RUN_STATE_FAILED)
    server.sweeps.runs[failed.name] = failed
    end = ended(v1.SWEEP_STATE_FAILED)
    end.sweep.run_counts.failed = 1
    server.sweeps.changes.put(end)
    assert f"sweepctl logs {NAME}-2" in ctl("watch", NAME, code=8).err


def test_a_watched_list_appends_the_newest_sweeps(
    ctl: Ctl, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("local/a/second", "local/a/third"):
        server.sweeps.sweeps[name] = a_sweep(name)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sweepd.cli.show.watching.time.sleep", interrupt)
    # The server lists the newest first; in a pipe the newest comes last.
    done = ctl("list", "--watch", "--limit", "2", "-o", "name", code=130)
    assert done.out.splitlines() == ["local/a/second", NAME]


def test_watch_resumes_from_its_token_after_a_broken_connection(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.changes.put(v1.WatchSweepResponse(runs=[a_run(1, value=0.5)], resume_token="1"))
    server.sweeps.changes.put(None)
    server.sweeps.changes.put(ended())
    done = ctl("watch", NAME)
    tokens = [
        request.resume_token
        for request in server.sweeps.requests
        if isinstance(request, v1.WatchSweepRequest)
    ]
    assert tokens == ["", "1"]
    assert "reconnecting" in done.out
    assert done.out.count("run 1 finished") == 1


def test_watch_as_json_lines_has_each_change(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.changes.put(v1.WatchSweepResponse(runs=[a_run(1, value=0.5)], resume_token="1"))
    server.sweeps.changes.put(ended())
    lines = ctl("watch", NAME, "-o", "jsonl").lines
    assert [(line["type"], line["state"]) for line in lines] == [
        ("sweep", "running"),
        ("run", "running"),
        ("run", "finished"),
        ("sweep", "finished"),
    ]


def test_watch_of_a_run_ends_with_the_run(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.changes.put(v1.WatchSweepResponse(runs=[a_run(2, value=0.25)], resume_token="1"))
    server.sweeps.changes.put(v1.WatchSweepResponse(runs=[a_run(1, value=0.5)], resume_token="2"))
    lines = ctl("watch", "k3x9v2ab:1", "-o", "jsonl").lines
    assert [(line["number"], line["state"]) for line in lines] == [(1, "running"), (1, "finished")]


def test_watch_of_a_run_reports_only_that_run(ctl: Ctl, server: ScriptedServer) -> None:
    paused = a_sweep(state=v1.SWEEP_STATE_PAUSED, best=(1, 0.5))
    server.sweeps.changes.put(v1.WatchSweepResponse(sweep=paused))
    server.sweeps.changes.put(v1.WatchSweepResponse(runs=[a_run(1, value=0.5)], resume_token="2"))
    output = [line.partition(" ")[2] for line in ctl("watch", "k3x9v2ab:1").out.splitlines()]
    assert output == [f"run {NAME}-1 running", "run 1 finished  val_loss=0.5 (best so far)"]


def test_watching_or_waiting_for_an_unknown_name_is_not_found(ctl: Ctl) -> None:
    ctl("watch", "local/train/nope", code=3)
    ctl("wait", "local/train/nope", code=3)
