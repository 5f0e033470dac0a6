"""Parse the examples of docs/sweep-file.md; words after the language of a fence say what it contains.

    ```yaml             a sweep file
    ```yaml part        some keys of one; missing keys are taken from the example marked `base`
    ```yaml part wrong  has errors;  `warned`: has warnings;  `later`: is checked, but cannot be created
    ```text             after such an example: its findings, word for word
    ```console          after an example: commands on it (`sweep.yaml`) and their output

Fences in other languages are ignored.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "sweep-file.md"
LANGUAGES = frozenset({"yaml", "text", "console", "sh", "python"})
MARKS = frozenset({"base", "part", "wrong", "warned", "later"})

_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TOP_LEVEL = re.compile(r"^(?=[A-Za-z_])", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Fenced block; `start` and `end` are offsets of its text in the document."""

    language: str
    words: frozenset[str]
    text: str
    line: int
    start: int
    end: int


@dataclass(slots=True, kw_only=True)
class Example:
    """Sweep file of the document, with its documented messages and commands."""

    content: str
    words: frozenset[str]
    line: int
    findings: Fence | None = None
    consoles: list[Fence] = field(default_factory=list)

    def __str__(self) -> str:
        return f"line {self.line}"


def fences(document: str) -> Iterator[Fence]:
    """Yield the fenced blocks of a document."""
    for match in _FENCE.finditer(document):
        yield Fence(
            language=match[1],
            words=frozenset(match[2].split()),
            text=match[3],
            line=document.count("\n", 0, match.start()) + 2,
            start=match.start(3),
            end=match.end(3),
        )


def examples(document: str) -> list[Example]:
    """Return the examples of a document in order."""
    found: list[Example] = []
    base = next(fence.text for fence in fences(document) if "base" in fence.words)
    for fence in fences(document):
        if fence.language == "yaml":
            content = completed(fence.text, base) if "part" in fence.words else fence.text
            found.append(Example(content=content, words=fence.words, line=fence.line))
        elif fence.language == "text" and not fence.words:
            assert found[-1].findings is None, f"line {fence.line}: a second text for one example"
            found[-1].findings = fence
        elif fence.language == "console":
            found[-1].consoles.append(fence)
    return found


def completed(part: str, base: str) -> str:
    """Append the keys of the base that a part lacks; line numbers in the part do not change."""
    written = {entry.partition(":")[0] for entry in _TOP_LEVEL.split(part)}
    missing = [entry for entry in _TOP_LEVEL.split(base) if entry.partition(":")[0] not in written]
    return part + "".join(entry for entry in missing if entry)


def commands(console: str) -> list[tuple[str, str]]:
    """Return the commands of a console, each with the output below it."""
    parts = re.split(r"^\$ (.*)\n", console, flags=re.MULTILINE)
    assert not parts[0], "a console begins with a command"
    return list(zip(parts[1::2], parts[2::2], strict=True))


def replaced(document: str, texts: Sequence[tuple[Fence, str]]) -> str:
    """Return a document with the texts of some of its fences replaced."""
    for fence, text in sorted(texts, key=lambda each: each[0].start, reverse=True):
        document = document[: fence.start] + text + document[fence.end :]
    return document
