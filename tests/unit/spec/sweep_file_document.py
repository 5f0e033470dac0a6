"""Parts of docs/sweep-file.md: its headings, the tables below each, links, and code within its text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "sweep-file.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
"""The document without its fences."""

_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the heading above it."""

    heading: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def code(text: str) -> list[str]:
    """Return the texts in backticks."""
    return _CODE.findall(text)


def headings() -> list[str]:
    """Return the texts of all headings except the title, without the marks of their level."""
    return re.findall(r"^##+ (.*)$", PROSE, re.MULTILINE)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links() -> list[str]:
    """Return the targets of links."""
    return re.findall(r"\]\(([^)]+)\)", PROSE)


def tables() -> Iterator[Table]:
    """Yield all tables."""
    heading, lines = "", list[str]()
    for line in [*PROSE.split("\n"), ""]:
        if line.startswith("|"):
            lines.append(line)
            continue
        if lines:
            header, _, *rows = map(_cells, lines)
            yield Table(heading, header, tuple(rows))
            lines = []
        if line.startswith("##"):
            heading = line.lstrip("# ")


def table(heading: str, first: str) -> Table:
    """Return the table below a heading whose first column has a name."""
    (found,) = [each for each in tables() if (each.heading, each.header[0]) == (heading, first)]
    return found


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip("|").split("|"))
