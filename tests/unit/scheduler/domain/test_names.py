"""Full names as clients write them; what cannot be a name does not exist."""

import pytest

from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.names import RunName, SweepName, run_name, standing_name, sweep_name
from unit.scheduler.world import PARENT

HEAD = f"{PARENT.entity}/{PARENT.project}"


def test_a_full_name_is_read() -> None:
    assert sweep_name(f"{HEAD}/s") == SweepName(PARENT, "s")
    assert run_name(f"{HEAD}/s-12") == RunName(SweepName(PARENT, "s"), 12)
    assert run_name(f"{HEAD}/alone") == RunName(standing_name(PARENT), 0, "alone")


@pytest.mark.parametrize(
    "text", ["", "s", HEAD, f"{HEAD}/s/1", "/p/s", "e//s", "A B/p/s", "e/A B/s", f"{HEAD}/", f"{HEAD}/A B"]
)
def test_what_cannot_be_a_name_does_not_exist(text: str) -> None:
    for read in (sweep_name, run_name):
        with pytest.raises(NotFoundError):
            read(text)
