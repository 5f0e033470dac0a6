"""`sweepctl run`: the script of a user, from the file to the best run."""

from __future__ import annotations

import json
import re
import signal
import subprocess

import pytest

from system.installation import BIN, TRIALS, Installation
from waiting import until

SCRIPT = "import sweepd\nrun = sweepd.init()\nrun.log({'loss': run.config.x ** 2})\n"
SWEEP = """program: train.py
command: [python, "${program}", "${args}"]
method: grid
metric: {name: loss}
parameters: {x: {values: [3, 1, 2]}}
"""


def test_run_starts_a_server_and_ends_with_the_best_run(installation: Installation) -> None:
    installation.write("train.py", SCRIPT)
    installation.write("sweep.yaml", SWEEP)
    try:
        done = installation.ctl("run", "sweep.yaml", "--slots", "2")
        assert "No server is running here; starting one" in done.stderr
        assert "sweepd down" in done.stderr
        assert "Best run: local/train/" in done.stdout
        assert "train.py --x=1" in done.stdout
        assert "run 1 finished" in done.stderr
        again = installation.json("run", "sweep.yaml")
        assert again["state"] == "finished"
        assert again["bestRun"]["params"] == {"x": 1}  # type: ignore[index]  # plain JSON
    finally:
        subprocess.run([str(BIN / "sweepd"), "down"], env=installation.environment, check=False)
    until(lambda: not installation.processes(), what=str(installation.commands()))


def test_run_works_in_the_folder_of_the_file_if_the_program_is_there(installation: Installation) -> None:
    installation.join_server()
    folder = installation.work / "project"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT)
    (folder / "sweep.yaml").write_text(SWEEP)
    assert "Best run" in installation.ctl("run", "project/sweep.yaml").stdout


def test_run_reports_a_missing_program_before_it_creates_anything(installation: Installation) -> None:
    installation.join_server()
    installation.write("sweep.yaml", SWEEP)
    assert "train.py" in installation.ctl("run", "sweep.yaml", "--project", "nowhere", code=5).stderr
    assert "no project named" in installation.ctl("list", "local/nowhere", code=3).stderr


def test_run_reports_missing_labels_before_it_creates_anything(
    installation: Installation,
) -> None:
    installation.join_server()
    installation.write("train.py", SCRIPT)
    installation.write("sweep.yaml", SWEEP + "project: labelled\nrequires: {gpu: a100, site: attic}\n")
    done = installation.ctl("run", "sweep.yaml", "--label", "site=attic", "--label", "gpu=h100", code=2)
    assert "the sweep requires gpu=a100, which" in done.stderr
    assert "pass --label=gpu=a100;" in done.stderr
    assert "write NAME=VALUE" in installation.ctl("run", "sweep.yaml", "--label", "gpu", code=2).stderr
    installation.write("bare.yaml", "project: labelled\nmethod: grid\nparameters: {x: {values: [1]}}\n")
    assert "the file names no program to run" in installation.ctl("run", "bare.yaml", code=5).stderr
    assert "no project named" in installation.ctl("list", "local/labelled", code=3).stderr
    done = installation.ctl("run", "sweep.yaml", "--label", "site=attic", "--label", "gpu=a100")
    assert "Best run" in done.stdout


def test_create_prints_the_labels_that_an_agent_needs(installation: Installation) -> None:
    installation.join_server()
    installation.write("sweep.yaml", SWEEP + "requires: {gpu: a100, site: the attic}\n")
    created = installation.ctl("create", "sweep.yaml")
    name = created.stdout.strip()
    line = f"sweep-agent --sweep {name} --label=gpu=a100 '--label=site=the attic'"
    assert created.stderr == f"Start an agent:  {line}\n"
    assert installation.ctl("runs", name).stderr == f"No run yet. Start an agent:  {line}\n"
    assert installation.ctl("agents", name).stderr == f"No agent. Start one:  {line}\n"


FAILING = """import os, signal, sys
import sweepd
run = sweepd.init()
run.log({"loss": run.config.x})
if run.config.x < 3:
    print("unpacking")
    raise ValueError(f"no data for {run.config.x}")
print("bye", flush=True)
sys.exit(4) if run.config.x < 4 else os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_sweep_whose_runs_all_failed_shows_causes_instead_of_a_best_run(installation: Installation) -> None:
    installation.join_server()
    installation.write("train.py", FAILING)
    installation.write("sweep.yaml", SWEEP.replace("[3, 1, 2]", "[1, 2, 3, 4]"))
    done = installation.ctl("run", "sweep.yaml", code=8)
    name = done.stderr.partition("Sweep ")[2].split()[0]
    assert done.stdout == ""
    assert "Best run" not in done.stderr
    assert "best so far" not in done.stderr
    causes = [
        "  2 runs: exited with code 1: ValueError: no data for 1",
        f"    sweepctl logs {name}-1",
        "  1 run: exited with code 4: bye",
        f"    sweepctl logs {name}-3",
        "  1 run: ended by SIGKILL: bye",
        "    sweepd did not kill it; probably the kernel did, for lack of memory; it ended before any sample",
        f"    sweepctl logs {name}-4",
    ]
    assert "\n".join([f"All 4 runs of {name} failed:", *causes]) in done.stderr
    best = installation.ctl("best", name, code=8)
    assert best.stdout == ""
    assert best.stderr.splitlines()[1:-1] == causes
    assert "every run has failed" in installation.ctl("get", name).stdout
    assert "for lack of memory" in installation.ctl("get", f"{name}-4").stdout
    assert installation.json("runs", name, "--sort", "best")[0]["value"] == 1  # type: ignore[index]
    document = json.loads(installation.ctl("run", "sweep.yaml", "-o", "json", code=8).stdout)
    assert document["bestRun"] is None


HUNGRY = """import os, signal, time
from pathlib import Path
import sweepd
run = sweepd.init()
run.log({"loss": 1.0})
filled = b"x" * (64 * 2**20)
while not Path("sampled").exists():
    time.sleep(0.02)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_was_killed_shows_its_last_sample_of_memory(installation: Installation) -> None:
    installation.join_server()
    installation.write("train.py", HUNGRY)
    sweep = installation.create(SWEEP.replace("[3, 1, 2]", "[1]"))
    installation.start_agent(sweep, "--system-metrics-every", "100ms")
    until(lambda: _sampled(installation, sweep))
    installation.write("sampled", "")
    until(lambda: installation.json("get", f"{sweep}-1")["state"] == "failed")
    shown = installation.ctl("get", f"{sweep}-1").stdout
    match = re.search(
        r"when last sampled, the run had ([0-9.]+) MiB, [0-9.]+% of the host's memory was in use", shown
    )
    assert match is not None, shown
    assert float(match[1]) > 64
    assert match[0] in installation.ctl("best", sweep, code=8).stderr


def _sampled(installation: Installation, sweep: str) -> bool:
    history = installation.ctl("history", f"{sweep}-1", "--system", "-o", "jsonl", code=None)
    samples = [json.loads(line)["values"].get("system/memory") for line in history.stdout.splitlines()]
    return any(value is not None and value > 64 * 2**20 for value in samples)


def test_run_reports_once_why_no_run_could_be_started(installation: Installation) -> None:
    installation.join_server()
    installation.write("train.py", SCRIPT)
    text = SWEEP.replace("[python,", "[no-such-thing,").replace("[3, 1, 2]", "[1, 2, 3, 4, 5, 6]")
    installation.write("sweep.yaml", text)
    done = installation.ctl("run", "sweep.yaml", code=8)
    output = done.stderr[done.stderr.index("No run of ") :].splitlines()
    assert "every attached agent is quarantined" in output[1]
    assert "no-such-thing not found on the PATH" in output[1]
    assert output[2] == "Next:"


def test_run_fails_when_all_runs_fail_and_shows_their_last_lines(installation: Installation) -> None:
    installation.join_server()
    installation.write("train.py", "raise ValueError('no such data')\n")
    installation.write("sweep.yaml", SWEEP)
    done = installation.ctl("run", "sweep.yaml", code=8)
    assert "no such data" in done.stderr
    assert "Traceback (most" not in done.stdout


def test_run_suggests_compat_for_a_script_that_imports_wandb(installation: Installation) -> None:
    installation.write("train.py", "raise ModuleNotFoundError(\"No module named 'wandb'\")\n")
    installation.write("sweep.yaml", SWEEP)
    installation.join_server()
    assert "`compat: wandb` in the sweep file" in installation.ctl("run", "sweep.yaml", code=8).stderr
    installation.write("sweep.yaml", f"{SWEEP}compat: wandb\n")
    assert "`compat: wandb`" not in installation.ctl("run", "sweep.yaml", code=8).stderr


def test_run_ends_when_the_script_never_logs_the_objective(installation: Installation) -> None:
    installation.join_server()
    installation.write("train.py", "import sweepd\nsweepd.init()\nsweepd.log({'acc': 1.0})\n")
    installation.write("sweep.yaml", SWEEP.replace("[3, 1, 2]", "[1, 2, 3, 4, 5, 6, 7, 8]"))
    done = installation.ctl("run", "sweep.yaml", code=8)
    assert "your script logged `acc`; the sweep optimises `loss`" in done.stderr
    assert "sweepctl resume" in done.stderr


STEPS = {1: 40, 2: 400, 3: 400}
"""By the number of Ctrl-C: after one the run ends by itself, otherwise it is still live."""


@pytest.mark.parametrize("presses", STEPS)
def test_repeated_ctrl_c_drains_then_terminates_then_kills(installation: Installation, presses: int) -> None:
    installation.join_server()
    project = f"presses-{presses}"
    text = (
        f"program: {TRIALS / 'steps.py'}\ncommand: [python, '${{program}}', '${{args}}']\nmethod: random\n"
        "metric: {name: loss}\nparameters:\n"
        f"  {{x: {{min: 0.0, max: 1.0}}, steps: {{value: {STEPS[presses]}}}, seconds: {{value: 0.05}}}}\n"
    )
    installation.write("sweep.yaml", text)
    process = subprocess.Popen(
        [str(BIN / "sweepctl"), "run", "sweep.yaml", "--project", project],
        env=installation.environment,
        cwd=installation.work,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for expected in ("run 1 started", *("no new run", "terminating", "killing")[: presses - 1]):
        while expected not in (line := process.stderr.readline()):
            assert line, "it ended too early"
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "continue" in err
    (sweep,) = json.loads(installation.ctl("list", f"local/{project}", "-o", "json").stdout)
    assert sweep["state"] == "running"
    (run,) = json.loads(installation.ctl("runs", sweep["name"], "-o", "json").stdout)
    assert run["state"] == "finished" if presses == 1 else run["state"] != "running"
