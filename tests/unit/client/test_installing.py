"""No text suggests an installation that does not work: sweepd is on no package index."""

import re
from pathlib import Path

from sweepd.errors import INSTALL_SERVER

ROOT = Path(__file__).parents[3]
DOCUMENTED = ("README.md", "docs", "examples", "client", "agent", "services")
UNPUBLISHED = re.compile(r"pip install\W+sweepd\b")


def texts() -> list[Path]:
    folders = [ROOT / name for name in DOCUMENTED]
    return [
        path
        for folder in folders
        for path in ([folder] if folder.is_file() else sorted(folder.rglob("*")))
        if path.suffix in (".md", ".py", ".ipynb", ".yaml", ".sh")
    ]


def test_no_text_suggests_installing_sweepd_from_a_package_index() -> None:
    found = [str(path.relative_to(ROOT)) for path in texts() if UNPUBLISHED.search(path.read_text())]
    assert found == []


def test_the_suggested_command_that_installs_the_server_is_in_the_readme() -> None:
    command = INSTALL_SERVER.partition(" in ")[0]
    assert command == "pip install '.[server]'"
    assert f"`{command}`" in (ROOT / "README.md").read_text()
