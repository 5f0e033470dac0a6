"""Names of files are accepted if they are short and stay inside the folder."""

import pytest

from sweepd.file_limits import complaint_of_name


@pytest.mark.parametrize("name", ["a", "media/images/x 1.png", "ü/é.txt", "a.b/c"])
def test_ordinary_names_are_accepted(name: str) -> None:
    assert not complaint_of_name(name)


@pytest.mark.parametrize("name", ["", "/a", "a//b", "../a", "a/..", "./a", "a\\b", "C:x", "a\nb", "x" * 513])
def test_names_that_lead_out_of_the_folder_are_refused(name: str) -> None:
    assert complaint_of_name(name)


def test_names_may_be_as_long_as_their_limit() -> None:
    assert not complaint_of_name("x" * 512)
    assert not complaint_of_name("ü" * 256)
    assert complaint_of_name("ü" * 257)
    assert not complaint_of_name("a/b:c")
