"""Scripts with `import wandb` run unchanged, even if a package of that name is installed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from sweepd.compat.environment import search_path
from system.installation import Installation

EXAMPLE = Path(__file__).parents[2] / "examples" / "wandb" / "train.py"
HYDRA_LIKE = """
import sys
import wandb
given = dict(word.split("=", 1) for word in sys.argv[1:])
wandb.init(config={name: float(value) for name, value in given.items()})
wandb.log({"loss": wandb.config["lr"] * 2, "given": given["lr"]})
"""
# Records what a script imports as `wandb`, and what it still finds of its own environment.
SEEN = """
import importlib.metadata, json, os, subprocess, sys
from pathlib import Path
import beside_wandb, mine, wandb
child = subprocess.run(
    [sys.executable, "-c", "import wandb; print(wandb.__file__); wandb.log({'child': 1})"],
    capture_output=True, text=True,
)
seen = {
    "file": wandb.__file__,
    "version": [wandb.__version__, importlib.metadata.version("wandb")],
    "child": child.stdout.strip(),
    "given": {name: value for name, value in os.environ.items() if name.startswith("WANDB_")},
    "rest": [beside_wandb.NAME, mine.NAME, importlib.metadata.version("beside-wandb")],
}
try:
    wandb.a_name_of_tomorrow
except AttributeError as error:
    seen["unknown"] = str(error)
Path(f"seen-{os.environ['SWEEPD_SWEEP_ID'].rpartition('/')[2]}.json").write_text(json.dumps(seen))
wandb.init()
wandb.log({"loss": 1.0})
"""


def wheel(folder: Path, name: str, version: str, module: str, text: str) -> Path:
    """Build a wheel with one module, as from a package index."""
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for file, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        record += f"{file},sha256={digest},{len(content)}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(file, content)
    return path


def python_with_a_wandb(folder: Path) -> Path:
    """Return the Python of an environment with a package `wandb`, a package beside it, and no sweepd."""
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    wheels = [
        wheel(
            folder, "wandb", "0.9.9", "wandb", "__version__ = '0.9.9'\ndef init(): pass\ndef log(row): pass\n"
        ),
        wheel(folder, "beside-wandb", "1.2", "beside_wandb", "NAME = 'beside'\n"),
    ]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
    ]
    subprocess.run([*pip, *map(str, wheels)], check=True, capture_output=True)
    return python


def test_a_script_of_wandb_is_a_run_of_a_sweep(installation: Installation) -> None:
    installation.write("train.py", EXAMPLE.read_text())
    installation.write("hydra_like.py", HYDRA_LIKE)
    installation.start_server()
    name = installation.create(
        "program: train.py\nproject: mine\ncompat: wandb\nmethod: grid\n"
        "metric: {name: accuracy, goal: maximize}\n"
        "parameters: {alpha: {values: [0.001, 100.0]}, epochs: {value: 2}}\n"
    )
    assert installation.json("get", name)["compat"] == "wandb"
    agent = installation.start_agent(name)
    assert agent.process.wait(120) == 0, agent.log()[-2000:]
    first, second = installation.export(name, "run")
    assert (first["state"], second["state"]) == ("finished", "finished")
    assert isinstance(first["value"], float)
    assert first["value"] > 0.8
    assert first["value"] != second["value"]
    shown = installation.json("get", str(first["run"]))
    details = shown["details"]
    assert isinstance(details, dict)
    assert details["config"] == {"alpha": 0.001, "epochs": 2}
    assert (details["tags"], details["summary"]) == (["sgd"], {"weights": 640})
    assert "accuracy.max=0." in installation.ctl("get", str(first["run"])).stdout
    (definition,) = details["definitions"]
    assert (definition["name"], definition["summary"]) == ("accuracy", ["max"])

    arguments = '["${interpreter}", "${program}", "${args_no_hyphens}"]'
    by_name = installation.create(
        f"program: hydra_like.py\ncompat: wandb\nmethod: grid\nmetric: {{name: loss}}\ncommand: {arguments}\n"
        "parameters: {lr: {values: [0.5]}}\n"
    )
    agent = installation.start_agent(by_name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert [run["value"] for run in installation.export(by_name, "run")] == [1.0]


def test_the_module_of_sweepd_hides_an_installed_wandb_and_nothing_else_changes(
    installation: Installation,
) -> None:
    python = python_with_a_wandb(installation.folder)
    own = installation.folder / "own"
    own.mkdir()
    (own / "mine.py").write_text("NAME = 'mine'\n")
    installation.environment["PYTHONPATH"] = str(own)
    installation.write("train.py", SEEN)
    installation.start_server()
    sweep = (
        "program: train.py\nmethod: grid\nparameters: {x: {value: 1}}\n"
        'command: ["${interpreter}", "${program}"]\n'
    )

    names: list[tuple[str, str]] = []

    def seen(text: str, *flags: str) -> dict[str, object]:
        name = installation.create(text)
        agent = installation.start_agent(name, "--interpreter", str(python), *flags)
        assert agent.process.wait(60) == 0, agent.log()[-2000:]
        (run,) = installation.export(name, "run")
        assert run["state"] == "finished", installation.ctl("logs", str(run["run"])).stdout[-2000:]
        names.append((name, str(run["run"])))
        found: dict[str, object] = json.loads(
            (installation.work / f"seen-{name.rpartition('/')[2]}.json").read_text()
        )
        return found

    theirs = seen(sweep)
    assert (theirs["version"], theirs["given"]) == (["0.9.9", "0.9.9"], {})
    ours = Path(search_path("wandb", {})["PYTHONPATH"])
    for text, flags in ((f"{sweep}compat: wandb\n", ()), (sweep, ("--compat", "wandb"))):
        found = seen(text, *flags)
        assert found["file"] == found["child"] == str(ours / "wandb" / "__init__.py")
        assert found["version"] == ["0.31.0", "0.31.0"]
        assert found["rest"] == theirs["rest"] == ["beside", "mine", "1.2"]
        assert "docs/wandb.md" in str(found["unknown"])
        entity, project, sweep_id = names[-1][0].split("/")
        given = found["given"]
        assert isinstance(given, dict)
        assert Path(given.pop("WANDB_SWEEP_PARAM_PATH")).name.endswith(".yaml")
        assert given == {
            "WANDB_SWEEP_ID": sweep_id,
            "WANDB_RUN_ID": names[-1][1].rpartition("/")[2],
            "WANDB_ENTITY": entity,
            "WANDB_PROJECT": project,
        }


def test_entries_of_the_python_path_are_kept_after_ours() -> None:
    ours = search_path("wandb", {})["PYTHONPATH"]
    theirs = f"a{os.pathsep}b"
    assert search_path("wandb", {"PYTHONPATH": theirs}) == {"PYTHONPATH": f"{ours}{os.pathsep}{theirs}"}
    assert search_path("wandb", {"PYTHONPATH": ""}) == {"PYTHONPATH": ours}
