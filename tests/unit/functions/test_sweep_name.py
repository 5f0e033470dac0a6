from __future__ import annotations

from types import SimpleNamespace

import pytest

from sweepd import UsageError
from sweepd.functions.running import sweep_name


@pytest.mark.parametrize(
    ("given", "entity", "project", "meant"),
    [
        ("abc", None, None, "abc"),
        ("abc", "acme", None, "abc"),  # ids identify sweeps
        ("abc", None, "mnist", "local/mnist/abc"),
        ("abc", "acme", "My Project", "acme/my-project/abc"),
        ("mnist/abc", None, None, "local/mnist/abc"),
        ("mnist/abc", "acme", "other", "acme/mnist/abc"),
        ("acme/mnist/abc", "else", "other", "acme/mnist/abc"),
        (SimpleNamespace(name="acme/mnist/abc"), None, None, "acme/mnist/abc"),
    ],
)
def test_parts_missing_from_a_sweep_name_are_taken_from_the_arguments(
    given: object, entity: str | None, project: str | None, meant: str
) -> None:
    assert sweep_name(given, entity=entity, project=project, environ={}) == meant


def test_the_entity_may_come_from_the_environment() -> None:
    assert sweep_name("p/abc", entity=None, project=None, environ={"SWEEPD_ENTITY": "team"}) == "team/p/abc"


@pytest.mark.parametrize("given", ["", "/", "a//b", "a/b/c/d", "a/b/", None, 7, {"id": 1}])
def test_an_invalid_sweep_name_is_refused(given: object) -> None:
    with pytest.raises(UsageError, match="is not a name of a sweep"):
        sweep_name(given, entity=None, project=None, environ={})
