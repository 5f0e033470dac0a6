"""Section "unmodified scripts": every name of W&B's module behaves as docs/wandb.md describes.

After an intended change of names, this regenerates the tables of the page:
    REGENERATE=1 .venv/bin/pytest tests/unit/compat/test_names.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import sweepd
from sweepd import Artifact, Table
from sweepd.compat.environment import handed_out
from sweepd.compat.lookup import SUBMODULES, Refused, find, submodule
from sweepd.compat.modules import env, errors
from sweepd.compat.modules.errors import NotSupportedError
from sweepd.compat.modules.top_level import EvalTable
from sweepd.compat.names import NAMES, Support
from sweepd.objects.api_entities import ApiRun
from sweepd.script.media.values import store_value
from unit.compat.members import CLASSES, RUN
from unit.compat.names_page import members, table

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "wandb.md"
ON_PATH = ROOT / "client" / "sweepd" / "compat" / "on_path"
# These need a framework or belong to a run; tests/frameworks and tests/component cover them.
_NEEDING_MORE = {"keras", "lightgbm", "xgboost", "config", "run", "summary"}


def names(support: Support) -> list[str]:
    return [name for name, known in NAMES.items() if known.support is support]


def ours(script: str, *arguments: str) -> str:
    """Run a script that imports `wandb` from the path that an agent sets; return its output."""
    environment = {**os.environ, "PYTHONPATH": str(ON_PATH)}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Each of these loads the complete module, which takes a second: one process runs all of them.
SEARCHES = {
    "members": """
import inspect, wandb
print(hasattr(wandb.jupyter, "quiet"), hasattr(wandb, "keras"), len(inspect.getmembers(wandb)) > 100)
import wandb.integration.keras
try: from wandb.integration.keras import WandbMetricsLogger
except ModuleNotFoundError as error: print(error)
""",
    "names": """
import importlib.metadata, json, sys, wandb
lacking = [name for name in json.loads(sys.argv[1]) if not hasattr(wandb, name)]
print(json.dumps([lacking, wandb.__version__, importlib.metadata.version("wandb")]))
""",
    "submodules": """
import importlib, json, sys
lacking = []
for name in json.loads(sys.argv[2]):
    module = importlib.import_module(f"wandb.{name}")
    lacking += [f"{name}.{each}" for each in module.__all__ if not hasattr(module, each)]
    exec(f"from wandb.{name} import *", {})
print(json.dumps(lacking))
""",
}


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """Return the output of each search of the module."""
    script = """
import contextlib, io, json, sys
said = {}
for name, search in json.loads(sys.argv[3]).items():
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(search, {})
    said[name] = printed.getvalue()
print(json.dumps(said))
"""
    names = [name for name in NAMES if name not in _NEEDING_MORE]
    submodules = [name for name in SUBMODULES if not name.endswith(("keras", "lightgbm", "xgboost"))]
    report: dict[str, str] = json.loads(ours(script, *map(json.dumps, (names, submodules, SEARCHES))))
    return report


@pytest.mark.parametrize(
    ("mark", "content"),
    [("names", table()), *((name.lower(), members(known)) for name, known in CLASSES.items())],
)
def test_the_page_has_the_names_in_the_code(mark: str, content: str) -> None:
    begin, end = f"<!-- {mark}: generated -->\n", f"<!-- {mark}: end -->\n"
    before, _, rest = PAGE.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page = f"{before}{begin}{content}{end}{after}"
    if os.environ.get("REGENERATE"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page


def test_the_names_are_sorted_and_refused_ones_have_a_note() -> None:
    assert list(NAMES) == sorted(NAMES)
    assert all(NAMES[name].note for name in names(Support.REFUSED))


@pytest.mark.parametrize("name", [n for n in NAMES if NAMES[n].support is not Support.REFUSED])
def test_a_name_that_is_not_refused_exists(name: str) -> None:
    if name in _NEEDING_MORE:
        return
    assert getattr(sweepd, name) is not None
    if name != "errors":  # sweepd also has those of its objects
        assert find(name, "wandb") is getattr(sweepd, name)


@pytest.mark.parametrize("name", names(Support.REFUSED))
def test_a_refused_name_can_be_imported_and_explains_itself_when_used(name: str) -> None:
    refused = find(name, "wandb")
    assert isinstance(refused, Refused)
    for use in (refused, partial(getattr, refused, "anything")):
        with pytest.raises(NotSupportedError) as caught:
            use()
        assert f"wandb.{name} is not supported" in str(caught.value)
        assert "docs/wandb.md" in str(caught.value)


def test_inspecting_the_module_raises_nothing(found: dict[str, str]) -> None:
    """Libraries check for names, and tools list all members of a module."""
    assert found["members"] == "False True True\nNo module named 'keras'\n"


def test_the_errors_of_both_modules_are_the_same() -> None:
    theirs = find("errors", "wandb")
    assert find("errors", "sweepd") is sweepd.errors
    for name in errors.__all__:
        assert getattr(sweepd.errors, name) is getattr(theirs, name)
    with pytest.raises(AttributeError, match="nothing"):
        sweepd.errors.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_a_run_has_its_members_and_those_without_effect_can_be_called() -> None:
    script = """
import json, sys, wandb
members = json.loads(sys.argv[1])
with wandb.init(mode="disabled") as run:
    wanted = members["supported"] + members["accepted without effect"]
    there = [name for name in wanted if not hasattr(run, name)]
    refused = [name for name in members["refused"] if hasattr(run, name)]
    for name in members["accepted without effect"]:
        value = getattr(run, name)
        if callable(value):
            value()
        else:
            assert value is None, name
print(json.dumps([there, refused]))
"""
    assert json.loads(ours(script, json.dumps(RUN))) == [[], []]


def test_variables_have_the_names_and_values_of_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("WANDB_", "SWEEPD_"))]:
        monkeypatch.delenv(name)
    assert (env.get_run(), env.get_run("none"), env.get_project(), env.is_offline()) == (
        None,
        "none",
        None,
        False,
    )
    agent = {
        "SWEEPD_RUN_ID": "acme/mnist/k3-7",
        "SWEEPD_SWEEP_ID": "acme/mnist/k3",
        "SWEEPD_PROJECT": "mnist",
    }
    for name, value in (agent | handed_out(agent) | {"WANDB_MODE": "offline"}).items():
        monkeypatch.setenv(name, value)
    assert (env.get_run(), env.get_project(), env.get_entity("me"), env.is_offline()) == (
        "k3-7",
        "mnist",
        "me",
        True,
    )
    assert os.environ[str(find("env", "wandb").SWEEP_ID)] == "k3"  # type: ignore[attr-defined]
    assert env.get_run(env={"SWEEPD_RUN_ID": "a/b/c-1"}) == "c-1"


def test_a_table_for_evaluations_is_a_table(tmp_path: Path) -> None:
    table = EvalTable(
        columns=["image", "loss"], data=[[1, 0.5]], input_columns=["image"], score_columns=["loss"]
    )
    kept = store_value(tmp_path, "val", table, 0)
    assert json.loads((tmp_path / str(kept)).read_text()) == {
        "columns": ["image", "loss"],
        "data": [[1, 0.5]],
    }


def test_tables_and_artifacts_have_their_members_and_explain_the_missing_ones() -> None:
    things: dict[str, object] = {"Table": Table(columns=["a"], data=[[1]]), "Artifact": Artifact("a", "b")}
    for kind, thing in things.items():
        lacking = [name for name in CLASSES[kind][Support.SUPPORTED] if not hasattr(thing, name)]
        assert lacking == []
        for name in CLASSES[kind][Support.NO_EFFECT]:
            value = getattr(thing, name)
            if callable(value):
                assert value() in (None, [])
        for name in CLASSES[kind][Support.REFUSED]:
            with pytest.raises(AttributeError, match=r"docs/wandb\.md"):
                getattr(thing, name)


def test_objects_that_are_not_stored_can_be_created_in_every_way_of_wandb() -> None:
    for made in (
        sweepd.Object3D.from_numpy([[0, 0, 0]]),
        sweepd.Molecule.from_smiles("CC"),
        sweepd.Graph.from_keras(None),
    ):
        with pytest.raises(TypeError, match=f"sweepd.{type(made).__name__} is not stored"):
            store_value(Path(), "a", made, 0)


def test_an_unknown_name_is_reported_as_such() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'nothing': .*docs/wandb\.md"):
        sweepd.nothing  # type: ignore[attr-defined]  # noqa: B018
    assert "docs/wandb.md" in ours(
        "import wandb\ntry: wandb.nothing\nexcept AttributeError as error: print(error)"
    )


def test_a_name_that_needs_sweepd_installed_reports_that() -> None:
    output = ours("""
import sys
sys.modules["grpc"] = None
import wandb
try: wandb.Api()
except wandb.Error as error: print(error)
""")
    assert output.startswith("wandb.Api needs sweepd installed where the script runs: ")


def test_stored_runs_and_sweeps_have_their_classes_where_scripts_import_them() -> None:
    assert submodule("apis.public").Run is submodule("apis.public.runs").Run is ApiRun
    assert submodule("apis.public").__all__ == ["Api", "Run", "Runs", "Sweep"]


def test_imported_as_wandb_the_module_has_all_names_and_its_version(found: dict[str, str]) -> None:
    assert json.loads(found["names"]) == [[], "0.31.0", "0.31.0"]


def test_every_submodule_can_be_imported_and_has_the_names_it_lists(found: dict[str, str]) -> None:
    assert json.loads(found["submodules"]) == []


def test_an_unknown_submodule_is_reported_as_such() -> None:
    script = "try: import wandb.nothing\nexcept ModuleNotFoundError as error: print(error.name, error)"
    output = ours(script)
    assert output.startswith("wandb.nothing No module named 'wandb.nothing'")
    assert "docs/wandb.md" in output


def test_libraries_find_the_classes_that_they_compare_with() -> None:
    script = """
import wandb
from wandb.sdk.lib import RunDisabled, telemetry
from wandb.sdk.wandb_run import Run
from wandb.wandb_run import Run as other
from wandb.sdk.lib.config_util import ConfigError
from wandb.errors import CommError, Error, UsageError
assert Run is other is wandb.Run is wandb.sdk.wandb_run.Run
assert issubclass(UsageError, Error) and issubclass(ConfigError, Error) and issubclass(wandb.CommError, Error)
with telemetry.context(run=None) as told:
    told.feature.anything = True
wandb.require("service")
wandb.env.set_project("here")
print(wandb.env.get_project())
"""
    assert ours(script) == "here\n"


def test_variables_of_wandb_are_used_where_those_of_sweepd_are_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_NAME", "theirs")
    monkeypatch.setenv("WANDB_PROJECT", "theirs")
    monkeypatch.setenv("SWEEPD_PROJECT", "ours")
    script = 'import os, wandb; print(os.environ["SWEEPD_NAME"], os.environ["SWEEPD_PROJECT"])'
    assert ours(script) == "theirs ours\n"


def test_the_modules_of_a_script_need_only_the_standard_library() -> None:
    script = """
import sys, wandb
wandb.Table, wandb.plot.confusion_matrix, wandb.Image, wandb.sdk.wandb_run.Run, wandb.sklearn
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"google", "grpc", "numpy", "sklearn", "yaml"}))
"""
    assert ours(script) == "[]\n"


def test_the_module_works_without_sweepd_installed_for_the_script() -> None:
    """The Python of a script may be another one than the agent's."""
    script = "import wandb, sys; print(sys.modules['sweepd'].__file__, wandb.Table.__module__)"
    environment = {**os.environ, "PYTHONPATH": str(ON_PATH)}
    command = [sys.executable, "-S", "-c", script]  # without its packages
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == f"{ROOT / 'client/sweepd/__init__.py'} sweepd.script.media.table\n", done.stderr
