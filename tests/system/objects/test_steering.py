"""Creating and controlling sweeps with objects: both clients, a real server and real agents."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from sweepd import (
    AsyncClient,
    Client,
    ConflictError,
    FailedError,
    InvalidError,
    NotFoundError,
    NotYetError,
    SweepWarning,
    WrongStateError,
)
from sweepd.calls import logs
from system.objects.conftest import SWEEP, Here
from system.promises import sweep as sweep_text
from waiting import until

WAITING = {
    "program": "train.py",
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {
        "lr": {"min": 0.0, "max": 1.0},
        "opt": {"parameters": {"kind": {"values": ["sgd", "adam"]}}},
    },
    "run_cap": 3,
}


def test_a_sweep_is_created_from_a_dictionary_a_text_or_a_path(client: Any, here: Here) -> None:
    path = here.installation.write("objects.yaml", SWEEP)
    text = client.create(SWEEP, project="made")
    file = client.create(path, project="made", name="of a file")
    short = client.create(str(path), project="made", sweep_id=f"s-{text.id}")
    seed = {"seed": text.config["seed"]}
    mapping = client.create({**text.config, "name": "of a mapping"}, entity="team", project="made")
    assert text.config == {**short.config, **seed} == {**file.config, **seed, "name": text.display_name}
    assert mapping.config == {**text.config, "name": "of a mapping"}
    assert (file.display_name, mapping.entity, short.id) == ("of a file", "team", f"s-{text.id}")
    assert {text.project, file.project, short.project, mapping.project} == {"made"}
    assert (text.state, text.planned_runs, text.best(), text.best_so_far()) == ("pending", 6, None, [])
    with pytest.raises(ConflictError) as taken:
        client.create(SWEEP, project="made", sweep_id=short.id)
    assert taken.value.reason == "name-taken"


def test_the_prior_runs_of_a_sweep_are_listed(client: Any, here: Here) -> None:
    runs = [*client.sweep(here.ended).runs(state="finished", limit=2)]
    sweep = client.create(SWEEP, project="prior", prior_runs=runs)
    listed = json.loads(here.installation.ctl("runs", sweep.name, "--prior", "-o", "json").stdout)
    assert sweep.prior_runs() == listed
    assert [each["run"] for each in listed] == [run.name for run in runs]
    assert [each["value"] for each in listed] == [run.value for run in runs]
    assert (sweep.planned_runs, [*sweep.runs()], sweep.best()) == (4, [], None)


def test_a_repeated_request_id_creates_one_sweep(client: Any) -> None:
    first = client.create(WAITING, request_id=f"once-{id(client)}")
    assert client.create(WAITING, request_id=f"once-{id(client)}") == first
    assert first.project == "train"


def test_all_errors_of_a_configuration_are_reported_together(client: Any, here: Here) -> None:
    broken = "program: t.py\nmetod: grid\nparameters:\n  lr: {min: 1, max: 0}\n  a: {vals: [1]}\n"
    path = here.installation.write("broken.yaml", broken)
    with pytest.raises(InvalidError) as raised:
        client.create(path)
    output = here.installation.ctl("validate", str(path), "--error-format", "json", code=5)
    findings = [json.loads(line) for line in output.stderr.splitlines() if '"severity"' in line]
    assert len(findings) >= 3
    assert [(each.line, each.path, each.message) for each in raised.value.diagnostics] == [
        (each["line"], each["path"], each["message"]) for each in findings
    ]
    for finding in raised.value.diagnostics:
        assert str(finding) in str(raised.value)
    with pytest.raises(ValueError, match="No such file"):
        client.create("nowhere.yaml")
    with pytest.raises(InvalidError, match="'My Project' is not a valid project name; write `my-project`"):
        client.create(WAITING, project="My Project")
    with pytest.raises(InvalidError, match="is not a valid sweep id"):
        client.create(WAITING, sweep_id="No Id")


def test_a_probable_mistake_is_a_warning(client: Any) -> None:
    with pytest.warns(SweepWarning, match="the sweep will be created in"):
        assert client.create({**WAITING, "project": "My Project"}).project == "my-project"


def test_a_warning_points_to_the_line_of_the_caller(blocking: Client, here: Here) -> None:
    """Both the warning about the configuration and the one about a prior run outside of the space."""
    narrow = {"lr": {"min": 0.0, "max": 0.05}}
    placed, prior = {**WAITING, "project": "My Project", "parameters": narrow}, [f"{here.ended}-1"]

    async def create() -> None:
        async with AsyncClient(here.server.address, token=here.server.access_token) as client:
            await client.create(placed, prior_runs=prior)

    for call in (lambda: blocking.create(placed, prior_runs=prior), lambda: asyncio.run(create())):
        with pytest.warns(SweepWarning) as warnings_seen:
            call()
        assert [warning.filename for warning in warnings_seen] == [__file__] * 2


def test_methods_have_the_effects_of_the_commands_of_sweepctl(client: Any, here: Here) -> None:
    sweep = client.create(WAITING)
    assert (sweep.pause().state, sweep.resume().state) == ("paused", "pending")
    assert sweep.edit(run_cap=5, name="other", tags=["a", "b"], metadata={"k": 1}) is not None
    assert (sweep.planned_runs, sweep.display_name, sweep.tags, sweep.metadata) == (
        5,
        "other",
        ["a", "b"],
        {"k": 1},
    )
    sweep.edit(run_cap=None, tags=None)
    assert (sweep.planned_runs, sweep.tags, sweep.display_name, sweep.revision) == (None, [], "other", 3)
    (run,) = sweep.enqueue({"lr": 0.25, "opt": {"kind": "adam"}}, first=True)
    assert (run.state, run.params) == ("pending", {"lr": 0.25, "opt": {"kind": "adam"}})
    assert run.explain() == sweep.explain()
    assert run.stop().state == "stopped"
    assert sweep.retry("stopped") == 1
    assert sweep.retry() == 0
    assert run.refresh().state == "pending"
    assert here.installation.json("get", sweep.name) == sweep.refresh().to_dict()
    assert sweep.cancel().state == "cancelled"
    with pytest.raises(WrongStateError, match="cannot pause"):
        sweep.pause()
    with pytest.raises(WrongStateError):
        run.retry()
    assert client.create(WAITING).stop().state == "stopped"


def test_an_invalid_argument_is_reported_with_its_field(client: Any) -> None:
    sweep = client.create(WAITING)
    with pytest.raises(InvalidError, match="lr") as raised:
        sweep.enqueue({"lr": 7.0})
    assert raised.value.violations
    calls: list[Callable[[], object]] = [
        lambda: sweep.enqueue({"lr": math.nan}),
        lambda: sweep.edit(),
        lambda: sweep.edit(run_cap="many"),
        lambda: sweep.edit(tags=["a\nb"]),
        lambda: sweep.wait("done"),
        lambda: sweep.wait(timeout="soon"),
        lambda: sweep.retry("done"),
    ]
    for call in calls:
        with pytest.raises(InvalidError):
            call()


def test_waiting_ends_with_the_sweep_or_after_its_timeout(client: Any, here: Here) -> None:
    ended = client.sweep(here.ended)
    assert ended.wait() == ended
    assert ended.wait("best<0.4").best_value == 0.35
    with pytest.raises(FailedError, match="has ended as finished before the condition was met"):
        ended.wait("best<0.1")
    assert ended.wait("best<0.1", check=False).state == "finished"
    with pytest.raises(FailedError, match="has ended as failed: exited with code 3"):
        ended.run(6).wait()
    assert ended.run(6).wait("failed").state == "failed"
    waiting = client.create(WAITING)
    for timeout in (0, "100ms"):
        with pytest.raises(NotYetError):
            waiting.wait(timeout=timeout)
    assert waiting.pause().wait("paused").state == "paused"


def test_a_live_sweep_is_followed_to_its_end_across_a_restart(
    blocking: Client, asynchronous: Any, here: Here
) -> None:
    name = blocking.create(sweep_text("patient.py", runs=2), project="live").name
    here.installation.start_agent(name, "--slots", "2")
    sweeps = [blocking.sweep(name), asynchronous.sweep(name)]
    watched = [sweep.watch() for sweep in sweeps]
    seen = [[next(changes)] for changes in watched]
    runs = [sweep.wait("running", timeout=60).run(1) for sweep in sweeps]
    until(lambda: runs[0].history("loss").rows)
    assert [run.wait("running").state for run in runs] == ["running"] * 2
    os.kill(here.server.service_pids()["scheduler"], signal.SIGKILL)
    (here.installation.work / "release").touch()
    for sweep, run, changes, so_far in zip(sweeps, runs, watched, seen, strict=True):
        so_far += changes
        assert sweep.state == "finished"
        assert run.wait(timeout="1m").state == "finished"
        known = {run.number: run.state for change in so_far for run in change.runs}
        assert known == {1: "finished", 2: "finished"}
        assert so_far[0].sweep == sweep
    (here.installation.work / "release").unlink()


def test_a_log_is_followed_while_it_grows(
    blocking: Client, asynchronous: Any, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = blocking.create(sweep_text("talker.py"), project="live")
    here.installation.start_agent(sweep.name)
    run = sweep.wait("running", timeout=60).run(1)
    followed = [client.run(run.name).logs(follow=True) for client in (blocking, asynchronous)]
    begun = [[next(lines), next(lines)] for lines in followed]
    assert begun == [["attempt 1 line 1", "attempt 1 line 2"]] * 2
    assert not run.refresh().is_over
    (here.installation.work / "release-1").touch()
    until(lambda: run.log(tail_bytes=100).endswith("attempt 1 ends\n"))
    until(lambda: run.refresh().is_over)
    monkeypatch.setattr(logs, "_LISTEN_SECONDS", 0.5)  # the log is complete
    whole = here.installation.ctl("logs", run.name).stdout.splitlines()
    for lines, rest in zip(begun, followed, strict=True):
        assert [*lines, *rest] == whole
    assert run.refresh().state == "failed"
    assert run.log().splitlines() == whole
    (here.installation.work / "release-1").unlink()


@pytest.fixture(scope="module")
def repeated(here: Here) -> list[str]:
    """Return sweeps with repeated points, one per way to aggregate two values."""
    text = sweep_text("objects.py").replace(
        "  a: {values: [0]}", "  lr: {values: [0.1, 0.2]}\n  opt: {value: {kind: sgd}}"
    )
    with Client(here.server.address, token=here.server.access_token) as client:
        sweeps = [
            client.create(f"{text}repeats: 2\naggregate: {aggregate}\n", project="repeats")
            for aggregate in ("mean", "worst")
        ]
    agents = [here.installation.start_agent(sweep.name, "--slots", "2") for sweep in sweeps]
    for agent in agents:
        assert agent.process.wait(60) == 0  # until its records of the runs are reported, too
    return [sweep.name for sweep in sweeps]


def test_with_repeats_the_best_is_the_best_point(client: Any, repeated: list[str], here: Here) -> None:
    for name in repeated:
        sweep = client.sweep(name)
        progress = sweep.best_so_far()
        assert len(progress) == 2
        assert {each.number for each in progress} == {1, 3}
        assert progress[-1].best == sweep.best_value
        assert sweep.best().to_dict() == here.installation.json("best", name)


def test_a_sweep_can_be_created_with_prior_runs(client: Any, here: Here) -> None:
    old = client.sweep(here.ended)
    good = next(run for run in old.runs() if run.state == "finished")
    with pytest.raises(NotFoundError, match=f"{old.id}-99 does not exist"):
        client.create(SWEEP, project="begun", prior_runs=[good, f"{old.id}-99"])
    begun = client.create(SWEEP, project="begun", prior_runs=[good])
    assert begun.planned_runs == 5
    with pytest.raises(InvalidError, match="list of runs"):
        client.create(SWEEP, project="begun", prior_runs=good.name)
