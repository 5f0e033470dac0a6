"""The short form of `make fuzz`: the complete corpus, then mutations from a fixed seed."""

from pathlib import Path

import pytest

from fuzz.fuzzing import Fuzzing, corpus
from fuzz.target import check

MUTATIONS = 2_000


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name)
def test_no_file_of_the_corpus_causes_a_crash(path: Path) -> None:
    check(path.read_bytes())


def test_no_mutated_file_causes_a_crash() -> None:
    fuzzing = Fuzzing(seed=1)
    crashes = list(fuzzing.crashes(lambda: fuzzing.tried < MUTATIONS))
    assert not crashes, "\n".join(crash.trace for crash in crashes)
    assert fuzzing.tried == MUTATIONS


def test_a_crash_is_found_and_minimised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(content: bytes) -> tuple[str, ...]:
        if b"bayes" in content:
            raise RecursionError
        return ()

    monkeypatch.setattr("fuzz.fuzzing.check", fragile)
    fuzzing = Fuzzing(seed=1)
    (crash,) = fuzzing.crashes(lambda: fuzzing.tried < MUTATIONS)
    assert crash.content == b"bayes"
    assert "RecursionError" in crash.where
