"""Section 9, P29 d: a preview shows the argument vectors of the processes of the runs."""

from __future__ import annotations

import json
from pathlib import Path

from system.installation import Agent, Installation
from waiting import content_of, until

WAITING = """
import os, pathlib, time
run = os.environ["SWEEPD_RUN_ID"].rpartition("-")[2]
pathlib.Path(f"ready-{run}").write_text(str(os.getpid()))
while not pathlib.Path("release").exists():
    time.sleep(0.05)
"""
NASTY = {
    "unicode": "Zoë 漢字 🙂 \u202eabc\u200b",
    "lines": "a\nb\r\n\tc\n",
    "option": "--x",
    "options": "--x=1 -y --",
    "dash": "-",
    "empty": "",
    "blank": " a  b ",
    "quotes": "'\"`\\ \\n",
    "shell": "$HOME ${lr} ${args} $(id) * ? ~ ; & | < > !",
    "control": "\x01\x1b[2J\x7f\x85",
    "large": "ü" * 51_200,
    "zeros": "007",
    "numeral": "1e-5",
    "none": None,
    "yes": True,
    "no": False,
    "whole": 1.0,
    "small": 1e-05,
    "huge": 1e22,
    "third": 1 / 3,
    "int": -(2**63),
    "list": [1, "x", 2.5, None, True, ["'"], {"b": 1, "a": "\n"}],
    "mapping": {"z": 1, "a": {"y": [2.0], "b": None, "": "ü"}, "%": "="},
}
COMMAND = [
    "${env}",
    "${interpreter}",
    "${program}",
    "${args}",
    "--",
    "${args_no_equals}",
    "${args_no_hyphens}",
    "${args_no_boolean_flags}",
    "${args_append_hydra}",
    "${args_override_hydra}",
    "${args_flat}",
    "${args_flat_no_hyphens}",
    "${lines}",
    "-${unicode}:${nest.z}",
    "--momentum=${momentum}",
    "${momentum}",
    "${unknown}",
    "x${unknown}",
    "${repeat}",
    3,
    2.50,
    True,
    "${args_json_file}",
]
SWEEP = {
    "method": "random",
    "seed": 11,
    "run_cap": 6,
    "repeats": 2,
    "program": "a trial ü.py",
    "metric": {"name": "loss"},
    "command": COMMAND,
    "parameters": {
        "nest": {
            "parameters": {
                "z": {"distribution": "log_uniform_values", "min": 1e-7, "max": 1e3},
                "a": {"parameters": {name: {"value": value} for name, value in list(NASTY.items())[:5]}},
            }
        },
        "kind": {"values": ["sgd", "adam"]},
        "momentum": {"min": 0.1, "max": 0.9, "when": "kind == 'sgd'"},
        "width": {"min": 1, "max": 10**12},
        **{name: {"value": value} for name, value in NASTY.items()},
    },
}


def command_line(installation: Installation, number: int) -> list[str]:
    """Return the argument vector of the process of a run, once it runs its program."""
    pid = content_of(installation.work / f"ready-{number}", what=f"run {number} has started")
    content = Path(f"/proc/{pid}/cmdline").read_bytes()
    return [argument.decode() for argument in content.removesuffix(b"\0").split(b"\0")]


def parameters(agent: Agent, number: int) -> object:
    """Return the parameters that the agent logs, shortly after the process has started."""

    def logged() -> list[object]:
        events = agent.events("run_started")
        return [event["params"] for event in events if str(event["run"]).endswith(f"-{number}")]

    until(logged, what=f"the agent logs that run {number} has started")
    return logged()[0]


def test_every_process_has_the_arguments_that_the_preview_shows(installation: Installation) -> None:
    installation.write("a trial ü.py", WAITING)
    file = installation.write("sweep.yaml", json.dumps(SWEEP))
    shown = [
        json.loads(line)
        for line in installation.ctl("preview", str(file), "-n", "6", "-o", "jsonl").stdout.splitlines()
    ]
    assert len(shown) == 6
    momenta = {"momentum" in run["params"] for run in shown}
    assert momenta == {True, False}, "the seed shows points with the condition and without"
    installation.join_server()
    name = installation.create(file.read_text())
    agent = installation.start_agent(name, "--slots", "6")
    for number, run in enumerate(shown, start=1):
        *had, args_file = command_line(installation, number)
        *wanted, macro = run["argv"]
        assert wanted[0] == "/usr/bin/env", "`env` is replaced by the program that follows"
        assert had == wanted[1:]
        assert macro == "${args_json_file}"
        content = json.loads(Path(args_file).read_text())
        assert content == run["params"] == parameters(agent, number)
        assert json.dumps(content, sort_keys=True) == json.dumps(run["params"], sort_keys=True)
        assert any(item.startswith("--momentum=") for item in had) is ("momentum" in run["params"])
    (installation.work / "release").touch()
    assert agent.process.wait(30) == 0


READING = """
import json, sweepd, sys
run = sweepd.init(config={"batch": 32, "opt": {"momentum": 0.5, "lr": 0.0}})
inputs = {"config": run.config.as_dict(), "argv": sys.argv[1:]}
open(f"inputs-{run.id.rpartition('-')[2]}.json", "w").write(json.dumps(inputs))
run.log({"loss": 1.0})
"""
LARGE = """
method: list
program: read.py
command: [python, "${{program}}", {item}]
metric: {{name: loss}}
guard: {{agent: 9}}
runs:
- {{blob: {blob}, opt: {{lr: 0.1}}}}
- {{blob: short, opt: {{lr: 0.2}}}}
"""


def test_a_value_of_500_kib_reaches_the_script_or_is_the_reason_why_the_run_does_not_start(
    installation: Installation,
) -> None:
    """Linux limits one argument to 128 KiB; the file and the configuration have the complete value."""
    installation.write("read.py", READING)
    blob = "x" * 500_000
    installation.join_server()
    for item in ("'-'", '"${args_json_file}"'):
        name = installation.create(LARGE.format(item=item, blob=blob))
        assert installation.start_agent(name).process.wait(30) == 0
        for number, length in ((1, 500_000), (2, 5)):
            path = installation.work / f"inputs-{number}.json"
            report = json.loads(path.read_text())
            path.unlink()
            assert len(report["config"]["blob"]) == length
            assert report["config"]["batch"] == 32
            assert report["config"]["opt"] == {"lr": number / 10, "momentum": 0.5}

    file = installation.write("large.yaml", LARGE.format(item='"${args}"', blob=blob))
    message = "more than the 131,071 that"
    checked = installation.ctl("validate", str(file))
    assert "runs[0].blob: an argument of 500,000 bytes, " + message in checked.stderr
    shown = json.loads(installation.ctl("preview", str(file), "-o", "json").stdout)
    assert [run["argv"] is None for run in shown["runs"]] == [True, False]
    assert 'the parameter "blob"' in shown["runs"][0]["problem"]
    name = installation.create(file.read_text())
    agent = installation.start_agent(name)
    assert agent.process.wait(30) == 0
    first, second = installation.export(name, "run")
    assert (first["state"], second["state"]) == ("failed", "finished")
    (end,) = [event for event in agent.events("run_ended") if event["message"]]
    assert end["cause"] == "invalid command"
    assert end["message"] == (
        '"${args}" expands to an argument of 500,007 bytes, most of it from the parameter "blob", more than '
        "the 131,071 that the system allows; use ${args_json_file}, or read the parameters with "
        "`sweepd.config`"
    )
    explained = installation.ctl("explain", str(first["run"])).stdout
    assert 'the parameter "blob"' in explained
