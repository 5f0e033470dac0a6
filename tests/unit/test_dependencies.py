"""Every dependency ends at its next major version, and the versions that tests run with lie within."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]


def requirements() -> Iterator[Requirement]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    groups = [document["build-system"]["requires"], project["dependencies"]]
    for group in [*groups, *project["optional-dependencies"].values()]:
        yield from (each for each in map(Requirement, group) if each.name != "sweepd")


PINNED = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if line.strip()]


def pinned(name: str) -> list[Version]:
    return [
        Version(specifier.version)
        for each in PINNED
        if canonicalize_name(each.name) == canonicalize_name(name)
        for specifier in each.specifier
    ]


@pytest.mark.parametrize("requirement", list(requirements()), ids=str)
def test_a_dependency_ends_at_its_next_major_version(requirement: Requirement) -> None:
    limits = {each.operator: each.version for each in requirement.specifier}
    if "==" in limits:
        return
    versions = pinned(requirement.name)
    assert limits["<"] == str(max(version.major for version in versions) + 1)
    assert all(requirement.specifier.contains(version) for version in versions)
