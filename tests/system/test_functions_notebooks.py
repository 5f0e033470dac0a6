"""Sweeps from notebooks, in a real Jupyter kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from system.function_scripts import nothing_left, states_of
from system.installation import Installation
from system.kernels import kernel
from waiting import until

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples" / "notebook").glob("*.ipynb"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One server for the notebooks."""
    here = Installation(tmp_path_factory.mktemp("notebooks"))
    try:
        here.start_server()
        yield here
    finally:
        here.kill_everything()


def cells(path: Path) -> list[dict[str, object]]:
    """Return the cells of code."""
    document: dict[str, list[dict[str, object]]] = json.loads(path.read_text())
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def source(cell: dict[str, object]) -> str:
    """Return the text of a cell."""
    lines = cell["source"]
    return "".join(lines) if isinstance(lines, list) else str(lines)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_example_runs_from_its_first_cell_to_its_last(home: Installation, path: Path) -> None:
    """As it is in the folder: without outputs, which would go stale."""
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(path))
    with kernel(home, home.work) as notebook:
        shown = [notebook.run(source(cell), within=120) for cell in cells(path)]
        assert not any("Error" in each for each in shown), shown
    if path.stem == "sweep":
        assert shown[-3].count("Agent Starting Run: ") == 6
        assert shown[-3].count(": loss 0.") == 6  # what the runs print is in their cell
        assert shown[-2].count("Agent Starting Run: ") == 2
        assert shown[-1].startswith("{'degree': ")
    else:
        assert shown[-2].endswith("[1, 2, 3, 4]\n")
        assert shown[-1] == "None\n"
    nothing_left(home)


def test_an_interruption_drains_a_second_one_stops_and_the_kernel_goes_on(home: Installation) -> None:
    (home.work / "near.py").write_text("word = 'near'\n")
    with kernel(home, home.work) as notebook:
        notebook.run("import sweepd, time, os")
        notebook.run(
            "def train():\n"
            "    import near\n"
            "    print('module', near.word, 'value', sweepd.config.x, flush=True)\n"
            "    while not os.path.exists('let-go'):\n"
            "        time.sleep(0.05)\n"
        )
        made = "sweepd.sweep({'method': 'grid', 'parameters': {'x': {'values': [1, 2, 3]}}})"
        begun = notebook.begin(f"first = {made}\nsweepd.agent(first, train)")
        notebook.read(begun, until="module near value 1")
        notebook.manager.interrupt_kernel()
        notebook.read(begun, until="Once more terminates it")
        (home.work / "let-go").touch()
        assert notebook.read(begun).rstrip().endswith("KeyboardInterrupt:")
        assert states_of(home, notebook.run("print(first)")) == ["finished"]
        nothing_left(home)

        (home.work / "let-go").unlink()
        begun = notebook.begin(f"second = {made}\nsweepd.agent(second, train)")
        notebook.read(begun, until="module near value 1")
        notebook.manager.interrupt_kernel()
        notebook.read(begun, until="Once more terminates it")
        notebook.manager.interrupt_kernel()
        assert notebook.read(begun).rstrip().endswith("KeyboardInterrupt:")
        nothing_left(home)
        # What was given back runs when an agent comes again.
        (home.work / "let-go").touch()
        shown = notebook.run("sweepd.agent(second, train)")
        assert "(attempt 2) with config:" in shown
        assert states_of(home, notebook.run("print(second)")) == ["finished"] * 3
        (home.work / "let-go").unlink()


def test_a_traceback_shows_the_lines_of_its_cell(home: Installation) -> None:
    with kernel(home, home.work) as notebook:
        notebook.run("import sweepd")
        notebook.run("def train():\n    raise ValueError('of the cell')  # this very line")
        made = "sweepd.sweep({'method': 'grid', 'parameters': {'x': {'values': [1]}}})"
        shown = notebook.run(f"only = {made}\nsweepd.agent(only, train)")
        assert "ValueError: of the cell" in shown
        assert "# this very line" in shown
        name = notebook.run("print(only)").strip()
        assert "# this very line" in home.ctl("logs", f"{name}:1").stdout
        assert notebook.run("await __import__('asyncio').sleep(0)\n1 + 1") == "2\n"


def test_a_kernel_that_is_shut_down_leaves_nothing(home: Installation) -> None:
    with kernel(home, home.work) as notebook:
        begun = notebook.begin(
            "import sweepd, time\n"
            "sweep = sweepd.sweep({'method': 'grid', 'parameters': {'x': {'values': [1]}}})\n"
            "sweepd.agent(sweep, lambda: (print('begun', flush=True), time.sleep(1000)))"
        )
        notebook.read(begun, until="begun")
        notebook.manager.shutdown_kernel(now=True)
        until(
            lambda: not [line for line in home.commands() if "sweepd_agent" in line],
            within=20,
            what="the agent and what it runs are gone",
        )
