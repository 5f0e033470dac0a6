"""Sweeps from notebooks, in a real Jupyter kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from system.functions.callers import Home, states
from system.functions.kernels import Notebook, kernel
from waiting import until

NOTEBOOKS = sorted((Path(__file__).parents[3] / "examples" / "notebook").glob("*.ipynb"))
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def folder(home: Home, tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a notebook; its processes must have ended when the test ends."""
    yield tmp_path
    home.nothing_left()


@pytest.fixture(scope="module")
def notebook(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """Return a kernel shared by the tests that do not change its state."""
    with kernel(home, tmp_path_factory.mktemp("notebook")) as notebook:
        notebook.run("import sweepd, time, os")
        yield notebook


def cells(path: Path) -> list[dict[str, object]]:
    """Return the code cells."""
    document: dict[str, list[dict[str, object]]] = json.loads(path.read_text())
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def source(cell: dict[str, object]) -> str:
    """Return the text of a cell."""
    lines = cell["source"]
    return "".join(lines) if isinstance(lines, list) else str(lines)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_example_runs_from_its_first_cell_to_its_last(home: Home, folder: Path, path: Path) -> None:
    """Run the notebook, which is stored without outputs, since these would become stale."""
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(path))
    with kernel(home, folder) as notebook:
        shown = [notebook.run(source(cell), within=120) for cell in cells(path)]
        assert not any("Error" in each for each in shown), shown
        card = notebook.html
    if path.stem == "sweep":
        assert shown[-3].count("Agent Starting Run: ") == 6
        assert shown[-3].count(": loss 0.") == 6  # the output of the runs is shown in their cell
        assert shown[-2].count("Agent Starting Run: ") == 2
        assert shown[-1].startswith("{'degree': ")
        assert "<Sweep local/notebook/" in shown[-1]
        assert "8 runs: 8 finished" in card
        assert "<svg" in card
    else:
        assert shown[-2].endswith("[1, 2, 3, 4]\n")
        assert shown[-1] == "None\n"


def test_the_example_of_the_documentation_runs(home: Home, notebook: Notebook) -> None:
    (code,) = re.findall(
        r"^```python\n(.*?)^```$", (DOCS / "notebooks.md").read_text(), re.DOTALL | re.MULTILINE
    )
    shown = notebook.run(code)
    assert shown.startswith("Create sweep with ID: ")
    assert shown.count("Agent Starting Run: ") == 5
    assert re.search(r"<Sweep local/first-steps/\w+ finished: 5 finished; best loss [\d.e-]+>\n$", shown)
    assert "<svg" in notebook.html
    home.nothing_left()


def test_the_first_interrupt_drains_the_second_stops_and_the_kernel_continues(
    home: Home, notebook: Notebook
) -> None:
    (notebook.folder / "near.py").write_text("word = 'near'\n")
    release = notebook.folder / "let-go"
    notebook.run(
        "def train():\n"
        "    import near\n"
        "    print('module', near.word, 'value', sweepd.config.x, flush=True)\n"
        "    while not os.path.exists('let-go'):\n"
        "        time.sleep(0.02)\n"
    )
    first, second = home.grid(1, 2, 3), home.grid(1, 2, 3)
    begun = notebook.begin(f"sweepd.agent({first.id!r}, train)")
    notebook.read(begun, until="module near value 1")
    notebook.manager.interrupt_kernel()
    notebook.read(begun, until="Interrupt again to terminate them")
    release.touch()
    assert notebook.read(begun).rstrip().endswith("KeyboardInterrupt:")
    assert states(first) == ["finished"]
    home.nothing_left()

    release.unlink()
    begun = notebook.begin(f"sweepd.agent({second.id!r}, train)")
    notebook.read(begun, until="module near value 1")
    notebook.manager.interrupt_kernel()
    notebook.read(begun, until="Interrupt again to terminate them")
    notebook.manager.interrupt_kernel()
    assert notebook.read(begun).rstrip().endswith("KeyboardInterrupt:")
    home.nothing_left()
    # The run that was handed back runs when another agent starts.
    release.touch()
    shown = notebook.run(f"sweepd.agent({second.id!r}, train)")
    assert "(attempt 2) with config:" in shown
    assert states(second) == ["finished"] * 3
    home.nothing_left()


def test_a_traceback_shows_the_lines_of_its_cell(home: Home, notebook: Notebook) -> None:
    sweep = home.grid(1)
    notebook.run("def fail():\n    raise ValueError('of the cell')  # this very line")
    shown = notebook.run(f"sweepd.agent({sweep.id!r}, fail)")
    assert "ValueError: of the cell" in shown
    assert "# this very line" in shown
    assert "# this very line" in sweep.run(1).log()
    assert notebook.run("await __import__('asyncio').sleep(0)\n1 + 1") == "2\n"
    home.nothing_left()


def test_a_kernel_that_is_shut_down_leaves_no_process(home: Home, tmp_path: Path) -> None:
    with kernel(home, tmp_path) as notebook:
        begun = notebook.begin(
            "import sweepd, time\n"
            "train = lambda: (print('begun', flush=True), time.sleep(1000))\n"
            f"sweepd.agent({home.grid(1).id!r}, train, term_timeout=1)"
        )
        notebook.read(begun, until="begun")
        notebook.manager.shutdown_kernel(now=True)
        until(lambda: not home.agents(), within=20, what="the agent and its runs have ended")
