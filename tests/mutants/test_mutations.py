"""The mutations that `make mutants` tries."""

from pathlib import Path
from types import FunctionType

import pytest

from mutants.mutations import mutants_of

SOURCE = '''
"""A module."""
LIMIT = 3


class Box:
    @property
    def full(self) -> bool:
        """True if it is."""
        return self.size >= LIMIT and not self.open


def clipped(value: int, least: int = 0) -> int:
    if value < least:
        raise ValueError(f"{value} is below {least + 1}")

    def inner(most: int = 9) -> int:
        return min(value, most)

    return inner()
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    return path


def test_each_expression_is_mutated_except_defaults_of_the_function(path: Path) -> None:
    assert [(each.function, each.before, each.after) for each in mutants_of(path)] == [
        ("Box.full", "return self.size >= LIMIT and (not self.open)", "return None"),
        ("Box.full", "self.size >= LIMIT and (not self.open)", "self.size >= LIMIT or not self.open"),
        ("Box.full", "self.size >= LIMIT", "self.size > LIMIT"),
        ("Box.full", "not self.open", "self.open"),
        ("clipped", "value < least", "value <= least"),
        ("clipped", "9", "10"),
        ("clipped", "return min(value, most)", "return None"),
        ("clipped", "min(value, most)", "max(value, most)"),
        ("clipped", "return inner()", "return None"),
    ]


def test_the_code_of_a_mutant_has_the_described_change(path: Path) -> None:
    namespace: dict[str, object] = {}
    exec(compile(SOURCE, str(path), "exec"), namespace)
    clipped = namespace["clipped"]
    assert isinstance(clipped, FunctionType)
    mutant = next(each for each in mutants_of(path) if each.after == "10")
    assert (clipped(12), mutant.line) == (9, 17)
    clipped.__code__ = mutant.code()
    assert clipped(12) == 10


def test_a_mutant_without_its_call_of_super_can_be_tested(tmp_path: Path) -> None:
    path = tmp_path / "refused.py"
    path.write_text(
        "class Refused(Exception):\n    def __init__(self) -> None:\n        super().__init__('no')\n"
    )
    namespace: dict[str, type[Exception]] = {}
    exec(compile(path.read_bytes(), str(path), "exec"), namespace)
    initialised = namespace["Refused"].__init__
    assert isinstance(initialised, FunctionType)
    (mutant,) = mutants_of(path)
    initialised.__code__ = mutant.code()
    assert str(namespace["Refused"]()) == ""
