"""Sweep files written for W&B work unchanged; wrong ones are refused with line and remedy.

The files are those of ../wandb; NAME.txt beside one has the reason why it is refused. All are hand-written.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from sweepd.spec.command import active_command, expand_command
from sweepd.spec.macros import MacroValues
from sweepd.spec.parse import parse_text
from sweepd.spec.preview import preview
from sweepd.spec.sweep_spec import SweepSpec
from unit.spec.wandb_files import RIGHT

FOLDER = Path(__file__).parents[1] / "wandb"
WRONG = sorted(path.stem for path in FOLDER.glob("*.txt"))
ENVIRON = {"SCRATCH": "/scratch", "DATA_DIR": "/data"}


def content(name: str) -> bytes:
    (path,) = [path for path in FOLDER.glob(f"{name}.*") if path.suffix != ".txt"]
    return path.read_bytes()


def spec_of(name: str) -> SweepSpec:
    spec = parse_text(content(name), file="sweep.yaml").spec
    assert spec is not None
    return replace(spec, seed=1)


def as_type(value: object) -> object:
    """Return a value with its type: 1, 1.0 and true are equal, but differ for a script."""
    return (type(value), value)


def test_each_file_has_its_expectations() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*RIGHT, *WRONG}


@pytest.mark.parametrize("name", RIGHT)
def test_an_existing_file_is_accepted_with_the_expected_warnings(name: str) -> None:
    found = parse_text(content(name), file="sweep.yaml").diagnostics
    assert {each.severity for each in found} <= {"warning"}, list(map(str, found))
    assert tuple(f"{each.code} {each.path}" for each in found) == RIGHT[name].warnings


@pytest.mark.parametrize("name", RIGHT)
def test_its_space_has_the_expected_number_of_points(name: str) -> None:
    size = preview(spec_of(name), 0).size
    assert (size.value, size.is_estimate) == (RIGHT[name].size, False)


@pytest.mark.parametrize("name", RIGHT)
def test_its_script_gets_the_expected_arguments(name: str) -> None:
    spec, expected = spec_of(name), RIGHT[name]
    point = expected.point
    if point is None:
        point = preview(spec, 1).runs[0].point
    assert spec.search_space.violations(point) == ()
    if not expected.argv:  # for agents that call a function
        assert spec.program is None
        return
    values = MacroValues(program=spec.program, params=point, args_json_file="point.json")
    argv = expand_command(active_command(spec, point), values, ENVIRON)
    assert tuple(argv) == expected.argv


@pytest.mark.parametrize("name", RIGHT)
def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(name: str) -> None:
    text = content(name)
    other = b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")
    plain, windows = parse_text(text, file="s"), parse_text(other, file="s")
    assert (windows.spec, windows.diagnostics) == (plain.spec, plain.diagnostics)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_with_line_and_remedy(name: str) -> None:
    parsed = parse_text(content(name), file="sweep.yaml")
    assert parsed.spec is None
    errors = [str(each) for each in parsed.diagnostics if each.severity == "error"]
    assert errors == (FOLDER / f"{name}.txt").read_text().splitlines()


def test_each_key_sets_the_attribute_of_the_sweep() -> None:
    accelerate, job = spec_of("accelerate"), spec_of("launch_job")
    assert (accelerate.entity, accelerate.project, accelerate.run_cap) == (
        "vision-lab",
        "stable-diffusion-lora",
        40,
    )
    assert job.metric is not None
    assert (job.metric.name, job.metric.goal, job.metric.target) == ("validation_loss", "minimize", 0.02)
    assert spec_of("hydra_overrides").name == "resnet | lr x wd"
    assert (
        spec_of("multi_line_texts").description
        == 'Second attempt.\nLower rates, "longer" schedule: see notes.\n'
    )
    assert spec_of("multi_line_texts").name == "a folded name"
    assert spec_of("no_early_termination").early_terminate == ()


@pytest.mark.parametrize(
    ("name", "rungs"),
    [
        ("hyperband_min_iter", (3, 9, 27, 81)),
        ("hyperband_max_iter", (3, 9)),
        ("nested", (5, 15, 45, 135)),
        ("no_early_termination", ()),
    ],
)
def test_hyperband_compares_where_the_file_says(name: str, rungs: tuple[int, ...]) -> None:
    assert preview(spec_of(name), 0).rungs[:4] == rungs


def test_values_keep_their_types() -> None:
    runs = preview(spec_of("numbers_of_every_kind"), 10).runs
    assert [as_type(run.point["a"]) for run in runs] == list(
        map(as_type, [1e-5, "1e-5", 1000.0, 0.5, 5.0, 0])
    )
    first = runs[0].point
    assert [as_type(first[name]) for name in "bcdefghij"] == list(
        map(as_type, ["007", 16, "2023-01-31", True, "on", None, 3.0, "3", "none"])
    )
