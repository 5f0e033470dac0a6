"""Parsing of full names; an invalid name does not exist."""

import pytest

from sweepd_kernel.errors import InvalidFieldError, NotFoundError
from sweepd_scheduler.domain.names import (
    RunName,
    SweepName,
    new_id,
    parent,
    run_name,
    standing_name,
    sweep_name,
)
from unit.scheduler.world import PARENT

HEAD = f"{PARENT.entity}/{PARENT.project}"


def test_a_full_name_is_parsed() -> None:
    assert sweep_name(f"{HEAD}/s") == SweepName(PARENT, "s")
    assert run_name(f"{HEAD}/s-12") == RunName(SweepName(PARENT, "s"), 12)
    assert run_name(f"{HEAD}/alone") == RunName(standing_name(PARENT), 0, "alone")


@pytest.mark.parametrize(
    "text", ["", "s", HEAD, f"{HEAD}/s/1", "/p/s", "e//s", "A B/p/s", "e/A B/s", f"{HEAD}/", f"{HEAD}/A B"]
)
def test_an_invalid_name_does_not_exist(text: str) -> None:
    for read in (sweep_name, run_name):
        with pytest.raises(NotFoundError):
            read(text)


def test_the_name_of_a_run_may_be_that_of_a_standalone_one() -> None:
    assert run_name(f"{HEAD}/s-12").as_standalone() == RunName(standing_name(PARENT), 0, "s-12")
    alone = run_name(f"{HEAD}/alone")
    assert alone.as_standalone() is alone
    assert str(alone) == f"{HEAD}/alone"
    assert str(run_name(f"{HEAD}/s-12")) == f"{HEAD}/s-12"


@pytest.mark.parametrize("text", ["s", "0-a_b", "x" * 64])
def test_an_id_of_small_letters_digits_and_dashes_is_free_to_choose(text: str) -> None:
    assert new_id(text, "sweep_id") == text


@pytest.mark.parametrize("text", ["", "S", "-s", "_s", "a b", "a/b", "x" * 65, "s\n"])
def test_another_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidFieldError, match=r"sweep_id.*does not match"):
        new_id(text, "sweep_id")


def test_a_project_has_an_entity() -> None:
    assert parent(HEAD) == PARENT
    for text in ("demo", "a/b/c", "/demo", "local/", "A B/demo"):
        with pytest.raises(InvalidFieldError, match="is not of the form ENTITY/PROJECT"):
            parent(text)
