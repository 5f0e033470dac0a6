"""Limits on the files of a run."""

from __future__ import annotations

from sweepd.file_limits import MAX_FILE_BYTES, MAX_RUN_BYTES, MAX_RUN_FILES
from sweepd_metric_store.domain.files import complaint_of_count, complaint_of_size


def test_a_file_that_fills_the_quota_exactly_is_accepted() -> None:
    others = MAX_RUN_BYTES - MAX_FILE_BYTES
    assert complaint_of_size(MAX_FILE_BYTES, others=others) == ""
    assert "larger than" in complaint_of_size(MAX_FILE_BYTES + 1, others=0)
    assert "would be larger than" in complaint_of_size(MAX_FILE_BYTES, others=others + 1)


def test_the_number_of_files_of_a_run_is_limited() -> None:
    assert complaint_of_count(MAX_RUN_FILES - 1) == ""
    assert complaint_of_count(MAX_RUN_FILES) == f"the run has {MAX_RUN_FILES} files already"
