"""Automatic records of a run, despite kills: context, files and usage samples; its rows are unchanged."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sweepd.objects.download import UnsafeNameError, place_of
from system.installation import BIN, Installation
from system.standalone_runs import reaches, released, start
from waiting import until

TRAIN = """
import json, os, pathlib, sys, time
folder = pathlib.Path(os.environ["SWEEPD_RUN_DIR"])
told = {"name": "brave", "config": {"own": [1, 2]}, "summary": {"top": float("inf")}}
(folder / ".d").write_text(json.dumps(told))
os.replace(folder / ".d", folder / "details.json")
media = folder / "files" / "media"
media.mkdir(parents=True)
(media / "noise.bin").write_bytes(bytes(range(256)) * 2400)
(media / "empty.txt").touch()
with (media / "huge.bin").open("wb") as file:
    file.truncate(17 * 2**20)
with open(os.environ["SWEEPD_METRICS_FILE"], "a") as rows:
    for step in range(3):
        rows.write(json.dumps({"_step": step * 10, "loss": 1 / (step + 1)}) + "\\n")
        rows.flush()
    while not pathlib.Path("end").exists():  # busy half of the time, as long as somebody looks
        turn = time.monotonic() + 0.02
        while time.monotonic() < turn:
            pass
        time.sleep(0.02)
"""
SWEEP = f"""
program: train.py
command: ["{sys.executable}", "${{program}}", "${{args}}"]
method: grid
metric: {{name: loss}}
parameters: {{lr: {{values: [0.5]}}}}
"""
SAMPLED = ("--system-metrics-every", "100ms")


def listed(installation: Installation, run: str) -> dict[str, dict[str, object]]:
    shown = json.loads(installation.ctl("files", run, "-o", "json").stdout)
    return {str(file["name"]): file for file in shown}


def history(installation: Installation, run: str, *flags: str) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = json.loads(installation.ctl("history", run, *flags, "-o", "json").stdout)
    return shown


def test_a_run_has_records_of_its_context_files_and_usage(installation: Installation) -> None:
    installation.join_server()
    installation.write("train.py", TRAIN)
    name = installation.create(SWEEP)
    agent = installation.start_agent(name, *SAMPLED)
    run = f"{name}:1"
    until(lambda: agent.events("run_started"), within=30)
    until(lambda: len(history(installation, run, "--system")) >= 4, within=60, what="samples")
    (installation.work / "end").touch()
    assert agent.process.wait(60) == 0, agent.log()[-2000:]

    shown = installation.json("get", "run", run)
    details = shown["details"]
    assert isinstance(details, dict)
    assert (details["name"], details["config"], details["summary"]) == (
        "brave",
        {"own": [1, 2]},
        {"top": "Infinity"},
    )
    context = details["context"]
    assert context["argv"] == [sys.executable, "train.py", "--lr=0.5"]
    assert context["directory"] == str(installation.work)
    assert context["python"]["packages"] > 10
    assert context["host"] == os.uname().nodename
    output = installation.ctl("get", "run", run).stdout
    assert "brave" in output

    # The rows of the script do not contain samples.
    assert (shown["iterations"], shown["bestValue"], shown["loggedKeys"]) == (3, 1 / 3, ["loss", "top"])
    rows = history(installation, run)
    assert [(row["row"], row["step"], row["values"]) for row in rows] == [
        (1, 0, {"loss": 1.0}),
        (2, 10, {"loss": 0.5}),
        (3, 20, {"loss": 1 / 3}),
    ]
    samples = history(installation, run, "--system")
    keys = {key for row in samples for key in row["values"]}  # type: ignore[attr-defined]
    assert {"system/cpu", "system/memory", "system/threads", "system/host/cpu", "system/host/memory"} <= keys
    busiest = max(row["values"].get("system/cpu", 0) for row in samples)  # type: ignore[attr-defined]
    assert busiest > 5, "it has kept a processor busy, unless other processes used it"
    assert [row["row"] for row in samples] == list(range(1, len(samples) + 1))
    assert {row["step"] for row in samples} <= {0, 10, 20}
    points = installation.export(name, "point")
    assert {point["key"] for point in points} == {"loss"}

    files = listed(installation, run)
    assert {"context.json", "requirements.txt", "media/noise.bin", "media/huge.bin"} <= set(files)
    assert files["media/huge.bin"]["leftOut"] == "it is larger than 16 MiB"
    assert (files["media/empty.txt"]["sizeBytes"], files["media/empty.txt"]["leftOut"]) == (0, None)
    noise = bytes(range(256)) * 2400
    assert files["media/noise.bin"]["sha256"] == hashlib.sha256(noise).hexdigest()
    printed = subprocess.run(
        [str(BIN / "sweepctl"), "files", run, "media/noise.bin"],
        env=installation.environment,
        capture_output=True,
        check=True,
    )
    assert printed.stdout == noise
    got = installation.ctl("files", run, "--download", "got")
    assert (installation.work / "got/media/noise.bin").read_bytes() == noise
    assert (installation.work / "got/media/empty.txt").read_bytes() == b""
    assert json.loads((installation.work / "got/context.json").read_text())["host"] == context["host"]
    assert "media/huge.bin was not uploaded: it is larger than 16 MiB" in got.stderr
    assert installation.ctl("files", run, "media/noise", code=3).stderr.count("media/noise.bin") == 1
    assert installation.ctl("files", run, "media/huge.bin", code=3).stdout == ""


def test_files_and_samples_arrive_although_the_metric_store_and_the_agent_were_killed(
    installation: Installation,
) -> None:
    """P1, P2, P3: nothing is duplicated or lost, and the end of the run does not wait for them."""
    server = installation.start_server()
    installation.write("train.py", TRAIN)
    name = installation.create(SWEEP)
    agent = installation.start_agent(name, *SAMPLED, state="a")
    run = f"{name}:1"
    until(lambda: agent.events("run_started"), within=30)
    until(lambda: len(history(installation, run, "--system")) >= 2, within=60, what="samples")
    metric_store = server.service_pids()["metric-store"]
    os.kill(metric_store, signal.SIGSTOP)
    until(lambda: samples_on_disk(installation) >= 6, within=60, what="samples while it is away")
    agent.process.kill()
    agent.process.wait()
    before = samples_on_disk(installation)
    agent = installation.start_agent(name, *SAMPLED, state="a")
    until(lambda: agent.events("run_adopted"), within=30, what="it is taken up")
    (installation.work / "end").touch()
    until(lambda: agent.events("result_acked"), within=30, what="the end waits for nothing")
    os.kill(metric_store, signal.SIGKILL)
    assert agent.process.wait(90) == 0, agent.log()[-2000:]
    assert [row["values"]["loss"] for row in history(installation, run)] == [1.0, 0.5, 1 / 3]  # type: ignore[index]
    samples = history(installation, run, "--system")
    assert [row["row"] for row in samples] == list(range(1, len(samples) + 1))
    assert len(samples) >= before
    got = installation.ctl("files", run, "--download", "got")
    assert "error" not in got.stderr
    assert (installation.work / "got/media/noise.bin").read_bytes() == bytes(range(256)) * 2400
    details = installation.json("get", "run", run)["details"]
    assert isinstance(details, dict)
    assert details["name"] == "brave"
    assert details["context"] is not None


STANDALONE = """
import os, time
from pathlib import Path
import sweepd

run = sweepd.init(config={"lr": 0.1}, name="brave", tags=["a"])
print(os.environ["SWEEPD_RUN_DIR"], flush=True)
(Path(run.dir) / "model.bin").write_text("a model")
sweepd.log({"loss": 0.5})
run.summary["top"] = 7
Path("kept.txt").write_text("kept")
run.save("kept.txt")
while not Path("release").exists():
    time.sleep(0.02)
"""


def test_a_standalone_run_has_the_same_records(installation: Installation) -> None:
    """It is followed by the agent that `init` has started, then by another one that takes over."""
    installation.join_server()
    subprocess.run(["git", "init", "-q", "-b", "trunk"], cwd=installation.work, check=True)
    installation.write("train.py", STANDALONE)
    author = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    for arguments in (["add", "train.py"], [*author, "commit", "-q", "-m", "m"]):
        subprocess.run(["git", *arguments], cwd=installation.work, check=True)
    script = start(installation, 0, content=STANDALONE + "# changed\n")
    until(lambda: "context.json" in listed_so_far(installation, script.run), within=60, what=script.agent_log)
    (helper,) = script.agents(installation)
    os.kill(helper, signal.SIGKILL)
    other = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sweepd_agent.standalone.drain",
            str(script.folder),
            "--patience",
            "10s",
            *SAMPLED,
        ],
        env=installation.environment,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: len(history(installation, script.run, "--system")) >= 3, within=60, what="samples")
    assert released(installation, script) == 0
    reaches(installation, script.run, "finished")
    assert other.wait(60) == 0

    details = installation.json("get", "run", script.run)["details"]
    assert isinstance(details, dict)
    assert (details["name"], details["tags"], details["summary"]) == ("brave", ["a"], {"top": 7})
    context = details["context"]
    assert context["argv"] == [sys.executable, "train.py", "0", "well"]
    assert context["directory"] == str(installation.work)
    assert (context["git"]["branch"], context["git"]["dirty"]) == ("trunk", True)
    assert context["python"]["executable"] == sys.executable
    assert context["python"]["packages"] > 10
    assert context["host"] == os.uname().nodename
    installation.ctl("files", script.run, "--download", "got")
    assert (installation.work / "got/kept.txt").read_text() == "kept"
    assert (installation.work / "got/model.bin").read_text() == "a model"
    assert "+# changed" in (installation.work / "got/git.diff").read_text()
    samples = [row["values"] for row in history(installation, script.run, "--system")]
    assert any("system/cpu" in values for values in samples)  # type: ignore[operator]
    assert [row["values"] for row in history(installation, script.run)] == [{"loss": 0.5}]


def test_a_script_that_ends_before_its_agent_is_ready_has_a_record_of_its_context(
    installation: Installation,
) -> None:
    """A script that ended long before its sync has no context: the code there may have changed."""
    installation.join_server()
    script = start(installation, 1)
    assert script.process.wait(30) == 0
    until(lambda: "context.json" in listed_so_far(installation, script.run), within=60, what=script.agent_log)
    late = start(installation, 1, SWEEPD_MODE="offline")
    assert late.process.wait(30) == 0
    noted = json.loads((late.folder / "run.json").read_text())
    (late.folder / "run.json").write_text(json.dumps({**noted, "ended": noted["ended"] - 3_600}))
    installation.ctl("sync", str(late.folder))
    contexts = []
    for run in (script.run, late.run):
        details = installation.json("get", "run", run)["details"]
        contexts.append(isinstance(details, dict) and details["context"] is not None)
    assert contexts == [True, False]


def listed_so_far(installation: Installation, run: str) -> set[str]:
    """Return the names of the stored files; none while the run does not exist."""
    done = installation.ctl("files", run, "-o", "json", code=None)
    return {str(file["name"]) for file in json.loads(done.stdout or "[]")}


def samples_on_disk(installation: Installation) -> int:
    found = list((installation.folder / "a" / "runs").glob("*/system.jsonl"))
    return sum(len(file.read_text().splitlines()) for file in found)


PRINTS = """
import sys
for epoch in range(5):
    print(f"epoch {epoch}: loss={float(sys.argv[1].partition('=')[2]) / (epoch + 1)}", flush=True)
"""
PRINTED = f"""
program: prints.py
command: ["{sys.executable}", "${{program}}", "${{args}}"]
method: grid
metric: {{name: loss}}
parameters: {{lr: {{values: [1.0, 0.5]}}}}
metrics_from: {{stdout: 'epoch (?P<step>[0-9]+): loss=(?P<loss>[^ ]+)'}}
"""


def test_a_sweep_can_read_the_objective_from_the_output_of_a_script(installation: Installation) -> None:
    """The script does not use sweepd; its output decides on the best run."""
    installation.join_server()
    installation.write("prints.py", PRINTS)
    name = installation.create(PRINTED)
    assert installation.start_agent(name).process.wait(60) == 0
    shown = installation.json("get", name)
    assert shown["metricsFrom"] == {
        "stdout": "epoch (?P<step>[0-9]+): loss=(?P<loss>[^ ]+)",
        "file": None,
        "tensorboard": None,
    }
    assert shown["best"] == {"run": f"{name}-2", "value": 0.1}
    runs = installation.export(name, "run")
    assert [(run["iterations"], run["bestValue"]) for run in runs] == [(5, 0.2), (5, 0.1)]
    rows = history(installation, f"{name}:1")
    assert [(row["step"], row["values"]) for row in rows][:2] == [(0, {"loss": 1.0}), (1, {"loss": 0.5})]
    spec = installation.ctl("get", name, "--spec").stdout
    assert installation.create(spec) != name, "the printed file creates an equal sweep"


@pytest.mark.parametrize(
    "name", ["../out", "/etc/passwd", "a/../../out", "", "a//b", ".", "a\\b", "C:/x", "link/x", "a\0b"]
)
def test_no_file_name_leads_out_of_the_download_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(UnsafeNameError):
        place_of(folder, name)
    assert list(tmp_path.iterdir()) == [folder]
