"""Commands that change runs and specifications: requests, output and failures."""

from __future__ import annotations

import io
import json

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from sweepd import v1
from sweepd.codec.values import point_from_message
from unit.cli.messages import NAME, a_run, a_sweep

FAILED, RUNNING = v1.RUN_STATE_FAILED, v1.RUN_STATE_RUNNING


@pytest.fixture(autouse=True)
def _a_sweep(server: ScriptedServer) -> None:
    sweep = a_sweep(cap=9)
    sweep.revision = 1
    sweep.spec.tags.append("first")
    ranged = v1.Distribution(uniform=v1.Bounds(min=0, max=1))
    sweep.spec.parameters.add(name="lr", distribution=ranged)
    group = sweep.spec.parameters.add(name="opt").group
    group.parameters.add(name="momentum", distribution=ranged)
    sweep.connected_agents = 1
    server.sweeps.sweeps[NAME] = sweep
    for number, state in ((1, FAILED), (2, RUNNING), (3, v1.RUN_STATE_PENDING), (4, FAILED)):
        run = a_run(number, state=state)
        server.sweeps.runs[run.name] = run


def last(server: ScriptedServer) -> object:
    return server.sweeps.requests[-1]


def error_of(ctl: Ctl, *arguments: str, code: int) -> dict[str, object]:
    done = ctl(*arguments, "-o", "json", code=code)
    assert done.out == ""
    shown: dict[str, object] = json.loads(done.err.splitlines()[-1])["error"]
    assert shown["exitCode"] == code
    return shown


def test_retry_prints_the_runs_that_are_pending_again(ctl: Ctl, server: ScriptedServer) -> None:
    done = ctl("retry", "k3x9v2ab:1", f"{NAME}-4")
    assert done.out == f"{NAME}-1\n{NAME}-4\n"
    assert done.err == "Retrying 2 runs.\n"
    assert ctl("retry", "k3x9v2ab-1", "-o", "json").json == {"runs": [f"{NAME}-1"], "total": 1}


@pytest.mark.parametrize(
    "words",
    [("retry", "k3x9v2ab:1"), ("enqueue", NAME, "--param", "lr=0.5"), ("edit", NAME, "--run-cap", "9")],
)
def test_a_command_warns_when_no_agent_will_start_its_runs(
    ctl: Ctl, server: ScriptedServer, words: tuple[str, ...]
) -> None:
    sweep = server.sweeps.sweeps[NAME]
    sweep.connected_agents = 0
    sweep.spec.requires["gpu"] = "a100"
    last_line = ctl(*words).err.splitlines()[-1]
    assert last_line.startswith(
        f"No agent is connected. Start one:  sweep-agent --sweep {NAME} --label=gpu=a100"
    )
    sweep.state = v1.SWEEP_STATE_PAUSED
    last_line = ctl(*words).err.splitlines()[-1]
    assert last_line == f"The sweep is paused; resume it:  sweepctl resume {NAME}"
    assert ctl(*words, "-o", "json").err == ""


def test_retry_of_a_sweep_accepts_states(ctl: Ctl, server: ScriptedServer) -> None:
    done = ctl("retry", "k3x9v2ab", "--state", "failed", "--state", "crashed", "--request-id", "again")
    assert done.out == f"{NAME}-1\n{NAME}-4\n"
    request = last(server)
    assert isinstance(request, v1.RetryRunsRequest)
    assert (request.sweep, request.request_id) == (NAME, "again")
    assert list(request.states) == [FAILED, v1.RUN_STATE_CRASHED]
    assert ctl("retry", NAME, "--state", "killed").err == "No killed run: nothing to retry.\n"


def test_retry_refuses_wrong_arguments(ctl: Ctl) -> None:
    output = ctl("retry", "k3x9v2ab", code=2).err
    assert f"{NAME} is a sweep" in output
    assert f"sweepctl retry {NAME} --state failed" in output
    assert "--state requires one sweep" in ctl("retry", NAME, NAME, "--state", "failed", code=2).err
    assert "finished" in ctl("retry", NAME, "--state", "finished", code=2).err
    ctl("retry", code=2)
    assert error_of(ctl, "retry", "k3x9v2ab:2", code=1)["reason"] == "wrong-state"
    assert error_of(ctl, "retry", "nope-1", code=3)["code"] == "NOT_FOUND"


def test_enqueue_sends_typed_values(ctl: Ctl, server: ScriptedServer) -> None:
    done = ctl("enqueue", "k3x9v2ab", "--param", "lr=1e-5", "--param", "opt.momentum='1'", "--first")
    assert done.out == f"{NAME}-5\n"
    request = last(server)
    assert isinstance(request, v1.EnqueueRunRequest)
    assert point_from_message(request.parameters) == {"lr": 1e-5, "opt": {"momentum": "1"}}
    assert request.first
    assert request.request_id


def test_enqueue_accepts_a_mapping_and_arguments_take_precedence_over_it(
    ctl: Ctl, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = '{"lr": 1, "opt": {"momentum": 0.5}}'
    for flags in (("--params", mapping), ("--params-file", "point.json"), ("--params-file", "-")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"lr: 1\nopt.momentum: 0.5\n")))
        with open("point.json", "w") as file:  # noqa: PTH123 - in the folder of the test
            file.write(mapping)
        row = ctl("enqueue", NAME, *flags, "--param", "lr=0.25", "-o", "jsonl").lines[0]
        assert row["params"] == {"lr": 0.25, "opt": {"momentum": 0.5}}
    assert (
        "are mutually exclusive" in ctl("enqueue", NAME, "--params", "{}", "--params-file", "x", code=2).err
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "no point given"),
        (("--param", "lr"), "not NAME=VALUE: 'lr'"),
        (("--param", "lr=1", "--param", "lr=2"), "--param lr: given twice"),
        (("--param", "l=1"), "not a parameter of the sweep: l (did you mean `lr`?)"),
        (("--param", "opt.momentm=1"), "did you mean `opt.momentum`?"),
        (("--param", "lr=[1"), "lr: not readable as a value"),
        (("--param", "lr=.nan"), "lr: a number must be finite"),
        (("--param", f"lr={2**64}"), "an integer outside"),
        (("--params", "[1]"), "--params: expected a mapping from names to values"),
        (("--params-file", "absent.json"), "absent.json: No such file"),
    ],
)
def test_enqueue_refuses_an_invalid_point(
    ctl: Ctl, server: ScriptedServer, flags: tuple[str, ...], message: str
) -> None:
    done = ctl("enqueue", NAME, *flags, code=1 if "absent" in message else 2)
    assert message in done.err
    assert server.sweeps.requests == []


def test_enqueue_at_the_cap_names_the_remedy(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.sweeps[NAME].spec.run_cap = 4
    error = error_of(ctl, "enqueue", NAME, "--param", "lr=0.5", code=1)
    assert (error["code"], error["reason"]) == ("FAILED_PRECONDITION", "cap-reached")
    assert error["nextStep"] == f"`sweepctl edit {NAME} --run-cap N` raises it"


def test_stop_distinguishes_a_run_from_a_sweep(ctl: Ctl, server: ScriptedServer) -> None:
    done = ctl("stop", "k3x9v2ab:2")
    assert done.out == f"{NAME}-2\n"
    assert "Stopping; it is running" in done.err
    assert isinstance(last(server), v1.StopRunRequest)
    assert ctl("stop", f"{NAME}-3").err == "Stopped.\n"
    document = ctl("stop", "k3x9v2ab:3", "-o", "json").json
    assert isinstance(document, dict)
    assert document["state"] == "stopped"
    assert ctl("stop", "k3x9v2ab").out == f"{NAME}\n"
    assert isinstance(last(server), v1.StopSweepRequest)
    ctl("stop", "k3x9v2ab:99", code=3)
    ctl("stop", "nope", code=3)


def test_edit_changes_only_the_given_fields(ctl: Ctl, server: ScriptedServer) -> None:
    done = ctl("edit", "k3x9v2ab", "--run-cap", "20", "--tag", "second", "--metadata", "owner=ada")
    assert (done.out, done.err) == (f"{NAME}\n", "Revision 2; the sweep is running.\n")
    request = last(server)
    assert isinstance(request, v1.UpdateSweepRequest)
    assert list(request.update_mask.paths) == ["spec.run_cap", "spec.tags", "spec.metadata"]
    assert request.revision == 1
    changed = ctl("edit", NAME, "--run-cap", "none", "--no-tag", "first", "--name", "", "-o", "json").json
    assert isinstance(changed, dict)
    assert (changed["runCap"], changed["tags"], changed["revision"]) == (None, ["second"], 3)
    assert changed["metadata"] == {"owner": "ada"}
    document = ctl("edit", NAME, "--no-metadata", "owner", "--metadata", "n=[1, x]", "-o", "json").json
    assert isinstance(document, dict)
    assert document["metadata"] == {"n": [1, "x"]}


def test_an_edit_is_retried_after_a_concurrent_edit(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.meanwhile = 2
    changed = ctl("edit", NAME, "--tag", "mine", "-o", "json").json
    assert isinstance(changed, dict)
    assert changed["tags"] == ["first", "other-2", "other-3", "mine"]
    error = error_of(ctl, "edit", NAME, "--tag", "late", "--revision", "1", code=1)
    assert (error["code"], error["reason"]) == ("ABORTED", "stale-revision")
    assert f"sweepctl get {NAME}" in str(error["nextStep"])


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--run-cap", "0"),
        ("--run-cap", "many"),
        ("--metadata", "x"),
        ("--metadata", "x=.inf"),
        ("--metadata", "x=1", "--metadata", "x=2"),
    ],
)
def test_an_invalid_edit_is_a_usage_error(ctl: Ctl, flags: tuple[str, ...]) -> None:
    ctl("edit", NAME, *flags, code=2)
    ctl("edit", "nope", "--name", "x", code=3)


def test_an_agent_is_released_from_one_sweep_or_from_all(ctl: Ctl, server: ScriptedServer) -> None:
    server.agents.held["a1"] = ["acme/x/other", NAME]
    assert ctl("agents", "release", "a1").out == f"acme/x/other\n{NAME}\n"
    assert ctl("agents", "release", "a1", "--sweep", "k3x9v2ab").out == f"{NAME}\n"
    document = ctl("agents", "release", "a1", "-o", "json").json
    assert document == {"agent": "a1", "sweeps": ["acme/x/other", NAME]}
    assert error_of(ctl, "agents", "release", "a2", code=3)["reason"] == "no-such-name"
    assert "takes one AGENT" in ctl("agents", "release", code=2).err
    assert "--sweep requires `release`" in ctl("agents", "--sweep", NAME, code=2).err
    assert "takes one ID" in ctl("agents", NAME, NAME, code=2).err


@pytest.mark.parametrize(
    "words",
    [
        ("retry", f"{NAME}-1"),
        ("enqueue", NAME, "--param", "lr=1"),
        ("stop", f"{NAME}:1"),
        ("edit", NAME, "--name", "x"),
        ("explain", NAME),
        ("agents", "release", "a1"),
        ("propose-config", "--sweep", NAME),
    ],
)
def test_without_a_server_every_command_is_unreachable(
    ctl: Ctl, server: ScriptedServer, words: tuple[str, ...]
) -> None:
    server.stop()
    assert ctl(*words, code=6).err.startswith("error: no server answers")


def test_runs_are_listed_best_first(ctl: Ctl, server: ScriptedServer) -> None:
    for number, value in ((5, 0.5), (6, 0.25), (7, 0.75)):
        run = a_run(number, value=value)
        server.sweeps.runs[run.name] = run
    assert ctl("runs", NAME, "--sort", "best", "-o", "name").out.split() == [
        f"{NAME}-6",
        f"{NAME}-5",
        f"{NAME}-7",
    ]
    assert ctl("runs", NAME, "--sort", "best", "--limit", "1", "-o", "name").out == f"{NAME}-6\n"


def test_the_best_of_repeated_points_is_the_best_point_of_the_sweep(ctl: Ctl, server: ScriptedServer) -> None:
    for number, value in ((5, 0.5), (6, 0.25), (7, 0.75)):
        run = a_run(number, value=value)
        server.sweeps.runs[run.name] = run
    sweep = server.sweeps.sweeps[NAME]
    sweep.spec.repeats, sweep.spec.aggregate = 2, v1.AGGREGATE_MEAN
    sweep.best_run, sweep.best_value = f"{NAME}-5", 0.5
    assert ctl("best", NAME, "-o", "name").out == f"{NAME}-5\n"
    assert ctl("best", NAME, "-n", "1", "-o", "name").out == f"{NAME}-6\n"


def test_tags_are_shown_and_can_be_filtered(ctl: Ctl) -> None:
    assert "first" in ctl("list").out.splitlines()[1]
    assert ctl("list", "--filter", "tags=first", "-o", "name").out == f"{NAME}\n"
    assert ctl("list", "--filter", "tags!=first", "-o", "name").out == ""
    assert ctl("list", "--filter", "tags~FIR", "-o", "name").out == f"{NAME}\n"
    assert ctl("list", "--filter", "tags=fir", "-o", "name").out == ""
