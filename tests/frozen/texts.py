"""String literals in the source of packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def texts(*packages: str) -> Iterator[str]:
    """Yield each string literal in some packages that is not a docstring."""
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            if not path.stem.endswith("_pb2"):
                tree = ast.parse(path.read_bytes())
                documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
                for node in ast.walk(tree):
                    if (
                        isinstance(node, ast.Constant)
                        and isinstance(node.value, str)
                        and id(node) not in documented
                    ):
                        yield node.value
