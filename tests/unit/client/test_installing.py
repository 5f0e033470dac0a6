"""Nothing names an installation that does not work: sweepd is on no package index."""

import re
from pathlib import Path

from sweepd.errors import INSTALL_SERVER

ROOT = Path(__file__).parents[3]
TOLD = ("README.md", "docs", "examples", "client", "agent", "services")
UNPUBLISHED = re.compile(r"pip install\W+sweepd\b")


def texts() -> list[Path]:
    folders = [ROOT / name for name in TOLD]
    return [
        path
        for folder in folders
        for path in ([folder] if folder.is_file() else sorted(folder.rglob("*")))
        if path.suffix in (".md", ".py", ".ipynb", ".yaml", ".sh")
    ]


def test_nobody_is_sent_to_an_index_that_does_not_have_sweepd() -> None:
    found = [str(path.relative_to(ROOT)) for path in texts() if UNPUBLISHED.search(path.read_text())]
    assert found == []


def test_the_server_is_installed_as_the_readme_says() -> None:
    command = INSTALL_SERVER.partition(" in ")[0]
    assert command == "pip install '.[server]'"
    assert f"`{command}`" in (ROOT / "README.md").read_text()
