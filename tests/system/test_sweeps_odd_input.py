"""Odd names and values in every reading command and format: unchanged in JSON, escaped in tables."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from system.installation import BIN, Installation

TEXTS = [
    "a\nb",
    "\x1b[2J\x1b[31m",
    "'; rm -rf /",
    "日本語 ✓",
    "",
    "--x",
    "\u202ertl",
    "=cmd()",
    "$HOME",
    "a\tb",
]
KEYS = {
    "val/loss ü": 1.5,
    "weird\nkey\x1b[31m": 1,
    "nest": {"a": {"b": 2}},
    "text": "t\x1b[2J",
    "nan": float("nan"),
}
SCRIPT = f"""
import json, os, sys, sweepd
sweepd.init()
with open(os.environ["SWEEPD_PARAMS_FILE"]) as file:
    print(json.dumps({{"argv": sys.argv[1:], "params": json.load(file)}}))
print("\\x1b[31mred\\x1b[0m \\u00fc", flush=True)
sweepd.log(json.loads({json.dumps(KEYS)!r}))
"""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202e]")
FORMATS = ("table", "wide", "json", "jsonl", "yaml", "csv", "name")


@dataclass(frozen=True, slots=True)
class Odd:
    """Finished sweep with odd values."""

    installation: Installation
    sweep: str


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Odd]:
    here = Installation(tmp_path_factory.mktemp("odd"))
    try:
        here.start_server()
        here.write("odd.py", SCRIPT)
        sweep_file = {
            "name": "naïve \x1b[31mred\x1b[0m\nline two ✓",
            "description": "tab\there \u202e",
            "program": "odd.py",
            "command": ["python", "${program}", "${args}"],
            "method": "grid",
            "metric": {"name": "val/loss ü"},
            "parameters": {
                "s": {"values": TEXTS},
                "n": {"values": [None, True]},
                "l": {"value": [1, {"k": "v\n"}]},
            },
        }
        sweep = here.create(json.dumps(sweep_file))
        agent = here.start_agent(sweep, "--slots", "4")
        assert agent.process.wait(60) == 0
        yield Odd(here, sweep)
    finally:
        here.kill_everything()


def test_every_value_arrives_unchanged_as_argument_and_as_parameter(odd: Odd) -> None:
    runs = odd.installation.export(odd.sweep, "run")
    assert len(runs) == 2 * len(TEXTS)
    assert {run["state"] for run in runs} == {"finished"}
    assert [run["params"]["s"] for run in runs] == TEXTS * 2  # type: ignore[index]  # plain JSON
    for run in runs[: len(TEXTS)]:
        log = odd.installation.ctl("logs", str(run["run"])).stdout
        seen = json.loads(log.splitlines()[0])
        params = run["params"]
        assert isinstance(params, dict)
        assert seen["params"] == params
        assert seen["argv"] == ["--l=[1, {'k': 'v\\n'}]", f"--n={params['n']}", f"--s={params['s']}"]
        assert "\x1b[31mred" in log  # the output of a script is printed unchanged
    shown = odd.installation.json("get", odd.sweep)
    assert shown["displayName"] == "naïve \x1b[31mred\x1b[0m\nline two ✓"
    points = odd.installation.export(odd.sweep, "point")
    assert {str(point["key"]) for point in points} == {
        "val/loss ü",
        "weird\nkey\x1b[31m",
        "nest.a.b",
        "text",
        "nan",
    }
    assert {point["value"] for point in points if point["key"] == "nan"} == {"NaN"}


@pytest.mark.parametrize("form", FORMATS)
def test_every_reading_command_in_every_format(odd: Odd, form: str) -> None:
    run = f"{odd.sweep}-2"
    commands = [
        ["list"],
        ["get", odd.sweep],
        ["get", run],
        ["runs", odd.sweep],
        ["best", odd.sweep, "-n", "3"],
        ["history", run],
        ["agents"],
    ]
    for command in commands:
        done = odd.installation.ctl(*command, "-o", form)
        assert form == "name" or done.stdout or command[0] == "agents", command
        match form:
            case "table" | "wide" | "name":
                assert not CONTROL.search(done.stdout), (command, done.stdout)
            case "json":
                json.loads(done.stdout)
            case "jsonl":
                assert all(isinstance(json.loads(line), dict) for line in done.stdout.splitlines())
            case "csv":
                rows = list(csv.reader(io.StringIO(done.stdout, newline="")))
                assert len({len(row) for row in rows}) == 1, command
            case _:
                assert "\x1b" not in done.stdout


def test_no_colours_or_control_characters_are_written_to_a_pipe(odd: Odd) -> None:
    environment = odd.installation.environment
    for extra in ({"NO_COLOR": "1", "TERM": "dumb"}, {"TERM": "xterm-256color"}):
        plain = {key: value for key, value in environment.items() if key != "NO_COLOR"} | extra
        for command in (["get", odd.sweep], ["runs", odd.sweep], ["watch", odd.sweep]):
            done = subprocess.run(
                [str(BIN / "sweepctl"), *command],
                env=plain,
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
            assert "\x1b" not in done.stdout + done.stderr


def test_a_closed_pipe_ends_quietly(odd: Odd) -> None:
    for command in (
        ["runs", odd.sweep],
        ["export", odd.sweep, "-o", "jsonl"],
        ["list"],
        ["watch", odd.sweep],
    ):
        reading, writing = os.pipe()
        os.close(reading)  # the pipe is closed before the first line
        with os.fdopen(writing, "wb") as closed:
            done = subprocess.run(
                [str(BIN / "sweepctl"), *command],
                env=odd.installation.environment,
                stdout=closed,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=60,
            )
        assert "Traceback" not in done.stderr
        assert "rror" not in done.stderr, (command, done.stderr)
        assert done.returncode in (0, 1, 141), command


def test_the_best_arguments_are_quoted_for_a_shell(odd: Odd) -> None:
    best = odd.installation.json("best", odd.sweep)
    line = odd.installation.ctl("best", odd.sweep, "-o", "args").stdout
    shell = f"printf '%s\\0' {line.strip()}"
    given = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True).stdout.split(
        "\0"
    )[:-1]
    attempts = best["attempts"]
    assert isinstance(attempts, list)
    assert given == attempts[-1]["argv"][2:]


@pytest.mark.parametrize(
    "name",
    ["", "a/b/c/d", "local/odd/../x", "x" * 5000, "\x1b[2J", "-1", "local/odd/none:1"],
)
def test_an_invalid_name_is_refused_in_one_line(odd: Odd, name: str) -> None:
    for command in ("get", "history"):
        done = odd.installation.ctl(command, "--", name, code=None)
        assert done.returncode in (2, 3), (command, done)
        assert done.stdout == ""
        assert done.stderr.startswith("error:"), (command, done.stderr)
        assert "Traceback" not in done.stderr
        assert not CONTROL.search(done.stderr.replace("\n", ""))


def test_large_values_and_many_parameters_are_complete(odd: Odd) -> None:
    here = odd.installation
    here.write(
        "large.py",
        "import json, sys, sweepd\nrun = sweepd.init()\nvalues = json.load(open(sys.argv[1]))\n"
        "sweepd.log({'loss': sum(len(str(v)) for v in values.values())})\n",
    )
    parameters = {f"p{number}": {"value": number} for number in range(300)} | {
        "s": {"values": ["s" * 500_000]}
    }
    sweep_file = {
        "program": "large.py",
        "command": ["python", "${program}", "${args_json_file}"],
        "method": "grid",
        "metric": {"name": "loss"},
        "parameters": parameters,
    }
    sweep = here.create(json.dumps(sweep_file, ensure_ascii=False))
    assert here.start_agent(sweep).process.wait(30) == 0
    (run,) = here.export(sweep, "run")
    assert run["state"] == "finished", run["reason"]
    assert run["value"] == 500_000 + sum(len(str(number)) for number in range(300))
    assert here.ctl("runs", sweep).stdout.count("\n") == 2
    # The system accepts no argument of that size: the run fails with that reason, and nothing else does.
    sweep = here.create(
        json.dumps(sweep_file | {"command": ["python", "${program}", "${args}"]}, ensure_ascii=False)
    )
    assert here.start_agent(sweep).process.wait(30) == 0
    (run,) = here.export(sweep, "run")
    assert run["state"] == "failed"
    assert "${args_json_file}" in str(run["reason"])
    parameters["s"] = {"values": ["ü" * 100_000]}
    here.write("sweep.yaml", json.dumps(sweep_file, ensure_ascii=False))
    assert "524,288" in here.ctl("create", "sweep.yaml", code=5).stderr


def test_a_sweep_is_created_from_standard_input(odd: Odd) -> None:
    here = odd.installation

    def create(content: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [str(BIN / "sweepctl"), "create", "-", "-q"],
            env=here.environment,
            cwd=here.work,
            input=content,
            capture_output=True,
            check=False,
            timeout=30,
        )

    done = create(b"method: grid\nprogram: t.py\nparameters: {a: {value: 1}}\n")
    assert done.returncode == 0
    assert done.stderr == b""
    assert re.fullmatch(rb"local/t/[a-z0-9]{8}\n", done.stdout)
    for content in (
        b"",
        b"\xff\xfe\x00",
        b"a: [1",
        b"- 1\n",
        b"method: grid\nmethod: grid\n",
        b"a: &a [*a]\n",
        b"\x00",
    ):
        done = create(content)
        assert done.returncode == 5, (content, done)
        assert done.stdout == b""
        assert b"Traceback" not in done.stderr


def test_waiting_with_a_short_timeout_has_documented_exit_codes(odd: Odd) -> None:
    here = odd.installation
    here.ctl("wait", odd.sweep, "--timeout", "0")
    here.ctl("wait", f"{odd.sweep}-1", "--timeout", "0")
    here.ctl("wait", odd.sweep, "--for", "best<2", "--timeout", "0")
    here.ctl("wait", odd.sweep, "--for", "best<1", "--timeout", "0", code=None)
    for condition in ("bestest<1", "best<<1", "", "best<nan", "dancing", "best<" + "9" * 5000):
        done = here.ctl("wait", odd.sweep, "--for", condition, "--timeout", "0", code=2)
        assert "Traceback" not in done.stderr
    for patience in ("-1s", "soon", "1e999s", "nan", ""):
        assert here.ctl("wait", odd.sweep, "--timeout", patience, code=2).stderr
    waiting = here.create("method: grid\nprogram: t.py\nparameters: {a: {value: 1}}\n")
    here.ctl("wait", waiting, "--timeout", "0", code=7)
    here.ctl("wait", waiting, "--timeout", "50ms", code=7)
