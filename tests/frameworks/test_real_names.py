"""The tables of names and modules agree with the installed wandb."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache

import pytest

from frameworks.environment import PYTHON, ROOT
from sweepd.compat.lookup import SUBMODULES
from sweepd.compat.names import NAMES, VERSION
from unit.compat.members import CLASSES

pytestmark = pytest.mark.frameworks
_SCRIPT = """
import importlib, json, wandb
names = {name for name in {*dir(wandb), *wandb.__all__} if not name.startswith("_") or name in wandb.__all__}
lacking = []
for name in json.loads(__import__("sys").argv[1]):
    try:
        importlib.import_module(f"wandb.{name}")
    except ImportError as error:
        lacking.append([name, str(error)])
members = {
    kind: [name for name in dir(getattr(wandb, kind)) if not name.startswith("_")]
    for kind in ("Run", "Table", "Artifact")
}
print(json.dumps([wandb.__version__, sorted(names), lacking, members]))
"""


@cache
def real() -> tuple[str, list[str], list[list[str]], dict[str, list[str]]]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["KERAS_BACKEND"] = "tensorflow"
    done = subprocess.run(
        [str(PYTHON), "-c", _SCRIPT, json.dumps(list(SUBMODULES))],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    version, names, lacking, members = json.loads(done.stdout.splitlines()[-1])
    return version, names, lacking, members


def test_every_public_name_of_the_real_package_is_known() -> None:
    version, names, _, _ = real()
    assert version == VERSION
    assert set(names) - NAMES.keys() == set()


def test_every_known_name_exists_in_the_real_package() -> None:
    _, names, lacking, _ = real()
    # Loaded by the real package only on first access.
    lazy = {"Api", "catboost"}
    assert NAMES.keys() - set(names) - lazy == set()
    # Modules of older versions, whose names remain as attributes, and those without their libraries.
    older = {"gym", "keras", "lightgbm", "sklearn", "tensorboard", "xgboost"}
    assert {name for name, _ in lacking if not name.startswith("integration.")} - older == set()


@pytest.mark.parametrize("kind", CLASSES)
def test_every_member_of_the_classes_of_the_real_package_is_known(kind: str) -> None:
    _, _, _, members = real()
    known = [name for names in CLASSES[kind].values() for name in names]
    # The real package has it once there is a run.
    assert sorted(members[kind]) == sorted({*known} - {"summary"})


def test_frameworks_find_the_module_of_sweepd_although_the_real_one_is_installed() -> None:
    ours = ROOT / "client" / "sweepd" / "compat" / "on_path"
    done = subprocess.run(
        [str(PYTHON), "-c", "import wandb; print(wandb.__file__)"],
        env={**os.environ, "PYTHONPATH": str(ours)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(ours / "wandb" / "__init__.py")
