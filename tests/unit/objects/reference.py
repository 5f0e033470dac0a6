"""Writes the Python reference from the docstrings of the public names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import FunctionType

import sweepd

_HEAD = """# Python reference

<!-- Written from docstrings: REGENERATE=1 .venv/bin/pytest tests/unit/objects/test_reference.py -->

Every public name of `sweepd`. [Python](python.md) introduces sweeps and runs as objects, with examples;
[the training script](script.md) and [notebooks](notebooks.md) describe the other functions.
"""
_OBJECTS = (
    "Client",
    "Sweep",
    "StoredRun",
    "History",
    "BestSoFar",
    "Importance",
    "ParameterImportance",
    "CategoryCorrelation",
    "AsyncClient",
    "AsyncSweep",
    "AsyncStoredRun",
    "Api",
)
_OF_THE_CURRENT_RUN = {
    "config": 'The configuration of the current run, see `init`: `config.lr`, `config["lr"]`.',
    "run": "The current run, a `Run`; None before `init` and after `finish`.",
    "summary": "The summary of the current run: the last value of each key, and values that the script sets.",
}
_INNER = frozenset(
    {"count_steps", "finish_at_exit", "continue_from", "keep", "name_as_before", "name_late", "store"}
)
"""Methods that our modules call on objects of each other."""
_ITEM = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: \([^)]*\))?: (.*)")


def reference() -> str:
    """Return the page."""
    names = sweepd.__all__
    errors = [name for name in names if _is_error(name)]
    others = [name for name in names if name not in (*_OBJECTS, *errors)]
    functions = [name for name in others if isinstance(getattr(sweepd, name, None), FunctionType)]
    classes = [name for name in others if inspect.isclass(getattr(sweepd, name, None))]
    parts = [_HEAD, "## Sweeps and runs\n", *map(_class, _OBJECTS)]
    parts += ["## Errors and warnings\n", *map(_error, errors)]
    parts += ["## Functions of scripts and notebooks\n", *map(_function, functions)]
    parts += [f"### `{name}`\n\n{text}\n" for name, text in _OF_THE_CURRENT_RUN.items() if name in names]
    parts += ["## Classes of scripts\n", *map(_class, classes)]
    left = {*names} - {*_OBJECTS, *errors, *functions, *classes, *_OF_THE_CURRENT_RUN}
    assert not left, f"no place in the reference: {left}"
    return "\n".join(parts)


def _is_error(name: str) -> bool:
    found = getattr(sweepd, name, None)
    return inspect.isclass(found) and issubclass(found, BaseException)


def _error(name: str) -> str:
    kind = getattr(sweepd, name)
    bases = ", ".join(f"`{base.__name__}`" for base in kind.__bases__)
    return f"### `{name}`\n\nA kind of {bases}. {_text(kind)}\n"


def _function(name: str) -> str:
    return f"### `{name}{_signature(getattr(sweepd, name))}`\n\n{_text(getattr(sweepd, name))}\n"


def _class(name: str) -> str:
    kind = getattr(sweepd, name)
    parts = [f"### `{name}`\n", _text(kind), ""]
    if name.startswith("Async"):
        return "\n".join(parts)
    if "__init__" in vars(kind) and inspect.getdoc(kind.__init__) and kind.__init__.__doc__:
        parts += [f"`{name}{_signature(kind.__init__)}`: {_text(kind.__init__)}", ""]
    members = [*_members(kind)]
    properties = [(each, _text(member)) for each, member in members if isinstance(member, property)]
    if properties:
        parts += ["| property | |", "|---|---|"]
        parts += [
            f"| `{each}` | {' '.join(text.split()).replace('|', chr(92) + '|')} |"
            for each, text in properties
        ]
        parts.append("")
    for each, member in members:
        if not isinstance(member, property):
            parts += [f"#### `{name}.{each}{_signature(member)}`\n", _text(member), ""]
    return "\n".join(parts)


def _members(kind: type) -> Iterator[tuple[str, property | FunctionType]]:
    """Yield the public properties and methods, inherited ones of ours first, in the order of their source."""
    seen: dict[str, property | FunctionType] = {}
    for each in reversed(kind.__mro__):
        if not each.__module__.startswith("sweepd"):
            continue
        for name, member in vars(each).items():
            inner = member.__func__ if isinstance(member, classmethod | staticmethod) else member
            if isinstance(inner, property | FunctionType) and not name.startswith("_") and name not in _INNER:
                seen[name] = inner
    yield from seen.items()


def _signature(function: object) -> str:
    assert callable(function)
    shown: list[str] = []
    star = False
    for each in inspect.signature(function).parameters.values():
        if each.name in ("self", "cls"):
            continue
        if each.kind is each.VAR_POSITIONAL:
            shown.append(f"*{each.name}")
            star = True
            continue
        if each.kind is each.VAR_KEYWORD:
            shown.append(f"**{each.name}")
            continue
        if each.kind is each.KEYWORD_ONLY and not star:
            shown.append("*")
            star = True
        shown.append(each.name if each.default is each.empty else f"{each.name}={each.default!r}")
    return f"({', '.join(shown)})"


def _text(documented: object) -> str:
    """Return a docstring as Markdown: its lists of arguments and errors become lists."""
    text = inspect.getdoc(documented)
    assert text, documented
    shown: list[str] = []
    section = ""
    for line in text.splitlines():
        if line in ("Args:", "Raises:", "Returns:", "Yields:"):
            section = line
            shown += [f"{line[:-1]}:" if line != "Args:" else "Arguments:", ""]
        elif section and line.startswith("    ") and not line.startswith("     "):
            item = _ITEM.fullmatch(line.strip())
            shown.append(f"- `{item[1]}`: {item[2]}" if item else line.strip())
        else:
            section = section if line.startswith("     ") or not line else ""
            shown.append(f"  {line.strip()}" if section and line else line)
    return "\n".join(shown)
