"""`sweepctl preview` (C8): points on stdout, a summary on stderr, no server."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from component.cli.conftest import Ctl

BIN = Path(sys.executable).parent

GRID = """
method: grid
program: train.py
metric: {name: loss}
early_terminate: {type: hyperband, min_iter: 3, eta: 3}
parameters: {a: {values: [1, 2, 3]}, o: {parameters: {b: {values: [x, y]}}}}
"""
RANDOM = "method: random\nprogram: t.py\nparameters: {x: {min: 0.0, max: 1.0}}\n"


def write(home: Path, text: str) -> str:
    (home / "sweep.yaml").write_text(text)
    return "sweep.yaml"


def test_a_json_line_has_only_parameters_and_arguments(home: Path, offline: Ctl) -> None:
    called = offline("preview", write(home, GRID), "-n", "2", "-o", "jsonl", "--interpreter", "python3")
    assert called.out.splitlines()[0] == (
        '{"params": {"a": 1, "o": {"b": "x"}}, "argv": '
        '["/usr/bin/env", "python3", "train.py", "--a=1", "--o={\'b\': \'x\'}"]}'
    )
    assert len(called.lines) == 2


def test_stdout_has_the_table_of_points_and_stderr_the_summary(home: Path, offline: Ctl) -> None:
    called = offline("preview", write(home, GRID), "-n", "3", "--run-time", "10m", "--slots", "4")
    assert called.out.splitlines()[0].split() == ["RUN", "A", "O.B"]
    assert len(called.out.splitlines()) == 4
    assert called.err.splitlines() == [
        "sweep.yaml: grid, space: 6 points, 6 runs in all.",
        "Early termination may act at iterations 3, 9, 27, 81, 243, 729, 2187, 6561, ….",
        "6 runs at 10m00s each: at most 1h00m in all, at most 20m00s on 4 slots.",
    ]


@pytest.mark.parametrize("output_format", ["json", "yaml"])
def test_the_document_has_everything(home: Path, offline: Ctl, output_format: str) -> None:
    text = GRID + "seed: 5\nrepeats: 2\n"
    called = offline("preview", write(home, text), "-n", "3", "-o", output_format, "--run-time", "90s")
    document = yaml.safe_load(called.out)
    runs = document.pop("runs")
    rungs = document.pop("rungs")
    assert document == {
        "file": "sweep.yaml",
        "method": "grid",
        "seed": 5,
        "spaceSize": 6,
        "spaceSizeIsEstimate": False,
        "plannedRuns": 12,
        "cost": {
            "runSeconds": 90.0,
            "slots": 1,
            "totalSeconds": 1080.0,
            "elapsedSeconds": 1080.0,
            "isEstimate": False,
        },
    }
    assert rungs[:3] == [3, 9, 27]
    assert [(run["number"], run["repeat"], run["source"]) for run in runs] == [
        (1, 0, "grid"),
        (2, 1, "grid"),
        (3, 0, "grid"),
    ]
    assert called.err == ""


def test_csv_has_one_line_per_run(home: Path, offline: Ctl) -> None:
    called = offline("preview", write(home, GRID), "-n", "2", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(called.out)))
    assert [row["params.a"] for row in rows] == ["1", "1"]
    assert json.loads(rows[1]["argv"])[-1] == "--o={'b': 'y'}"


def test_the_same_seed_shows_the_same_points(home: Path, offline: Ctl) -> None:
    file = write(home, RANDOM)
    first = offline("preview", file, "--seed", "3", "-o", "jsonl").out
    assert offline("preview", file, "--seed", "3", "-o", "jsonl").out == first
    assert offline("preview", file, "--seed", "4", "-o", "jsonl").out != first
    assert offline("preview", write(home, RANDOM + "seed: 3\n"), "-o", "jsonl").out == first


def test_without_a_seed_the_summary_explains_that_the_sweep_has_other_points(
    home: Path, offline: Ctl
) -> None:
    called = offline("preview", write(home, RANDOM), "-n", "0", "--run-time", "1m")
    assert "space: infinitely many points, runs until it is stopped, seed " in called.err
    assert "each sweep draws its own" in called.err
    assert "the total is unbounded: set run_cap or sweep_timeout" in called.err


def test_a_trillion_points_are_counted_immediately(home: Path, offline: Ctl) -> None:
    ranges = ", ".join(f"p{number}: {{min: 1, max: 1000}}" for number in range(4))
    called = offline("preview", write(home, f"method: grid\nprogram: t.py\nparameters: {{{ranges}}}\n"))
    assert "space: 1,000,000,000,000 points, 1,000,000,000,000 runs in all" in called.err
    many = ", ".join(f"p{number}: {{min: 1, max: 1000000}}" for number in range(900))
    called = offline("preview", write(home, f"method: grid\nprogram: t.py\nparameters: {{{many}}}\n"), "-n1")
    assert "space: about 10^5400 points" in called.err


def test_an_estimated_number_is_marked_as_estimated(home: Path, offline: Ctl) -> None:
    pairs = "method: grid\nprogram: t.py\nparameters: {a: {min: 1, max: 4000}, b: {min: 1, max: 4000}}\n"
    file = write(home, pairs + "constraints: ['a < b']\n")
    called = offline("preview", file, "-n", "1", "--run-time", "10m", "--slots", "4")
    whole, cost = called.err.splitlines()
    found = re.search(r"space: about ([78],\d00,000) points, about \1 runs in all\.$", whole)
    assert found is not None, whole  # exactly 7,998,000
    assert cost.startswith(f"About {found[1]} runs at 10m00s each: about ")
    document = offline("preview", file, "-n", "0", "--run-time", "60", "-o", "json").json
    assert isinstance(document, dict)
    assert (document["plannedRuns"], document["spaceSizeIsEstimate"]) == (None, True)
    assert document["cost"]["isEstimate"]  # type: ignore[index,call-overload]  # plain JSON
    assert document["cost"]["totalSeconds"] == 60 * document["spaceSize"]  # type: ignore[index,call-overload,operator]


def test_a_timeout_bounds_the_estimated_number_of_runs(home: Path, offline: Ctl) -> None:
    file = write(home, RANDOM + "sweep_timeout: 2h\nseed: 1\n")
    called = offline("preview", file, "-n", "0", "--run-time", "50m", "--slots", "4")
    space = "random, space: infinitely many points"
    assert called.err.splitlines() == [
        f"sweep.yaml: {space}, runs until it is stopped, for 2h00m at most, seed 1.",
        "sweep_timeout leaves time for at most 12 runs of 50m00s on 4 slots.",
        "12 runs at 50m00s each: at most 10h00m in all, at most 2h30m on 4 slots.",
    ]
    called = offline("preview", write(home, RANDOM + "sweep_timeout: 2h\nrun_cap: 3\n"), "--run-time", "1h")
    assert "sweep_timeout leaves time for at most 2 runs of 1h00m on 1 slot." in called.err


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("{type: patience, iterations: 4}", "at any iteration from 5 on."),
        ("{type: threshold, at: 7, value: 1}", "at iteration 7."),
        (
            "[{type: asha, min_iter: 1, max_iter: 9}, {type: patience, iterations: 6}]",
            "at iterations 1, 3, 7; patience at any iteration from 7 on.",
        ),
    ],
)
def test_the_summary_lists_the_iterations_at_which_early_termination_may_act(
    home: Path, offline: Ctl, rules: str, message: str
) -> None:
    file = write(home, RANDOM + f"metric: {{name: loss}}\nearly_terminate: {rules}\n")
    assert f"Early termination may act {message}" in offline("preview", file, "-n", "0").err.splitlines()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--slots", "2"], 2, "--slots requires --run-time"),
        (["--run-time", "soon"], 2, "'soon' is not a duration"),
        (["-n", "-1"], 2, "-1"),
    ],
)
def test_wrong_flags_are_usage_errors(
    home: Path, offline: Ctl, arguments: list[str], code: int, message: str
) -> None:
    assert message in offline("preview", write(home, GRID), *arguments, code=code).err


def test_an_invalid_file_is_reported_as_by_validate(home: Path, offline: Ctl) -> None:
    called = offline("preview", write(home, GRID.replace("method: grid", "method: gird")), code=5)
    assert "sweep.yaml:2:9: method:" in called.err
    assert called.out == ""


def test_a_file_with_unsupported_features_is_not_previewed(home: Path, offline: Ctl) -> None:
    called = offline("preview", write(home, RANDOM + "max_parallel: 3\n"), code=5)
    assert "not supported yet" in called.err


def test_lines_are_printed_immediately_and_a_closed_pipe_ends_quietly(home: Path) -> None:
    """C22: a million runs take minutes, but the first line is printed immediately."""
    file = write(home, RANDOM)
    with subprocess.Popen(
        [BIN / "sweepctl", "preview", file, "-n", "1000000", "-o", "jsonl"],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as called:
        assert called.stdout is not None
        assert called.stderr is not None
        assert "params" in json.loads(called.stdout.readline())
        called.stdout.close()
        assert called.stderr.read() == ""
        assert called.wait(20) == 0


def test_arguments_that_cannot_be_expanded_are_null_and_reported(home: Path, offline: Ctl) -> None:
    called = offline("preview", write(home, RANDOM.replace("program: t.py\n", "")), "-n", "1", "-o", "jsonl")
    assert called.lines[0]["argv"] is None
    assert "warning: the command needs ${program}, but the sweep has no `program`" in called.err
