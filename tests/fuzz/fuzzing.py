"""Fuzzer of the reader: mutates its corpus, and keeps files with new behaviour."""

import hashlib
import random
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.mutations import mutated
from fuzz.target import check

CORPUS = Path(__file__).parent / "corpus"
_GOLDEN = Path(__file__).parents[1] / "unit" / "spec" / "reading" / "golden"
_MOST_KEPT = 4_000


def corpus() -> list[Path]:
    """Return the files of the corpus: seeds, and files that once crashed."""
    return sorted(path for path in CORPUS.iterdir() if path.is_file())


def seeds() -> list[bytes]:
    """Return the files from which mutations start."""
    return [path.read_bytes() for path in (*corpus(), *sorted(_GOLDEN.glob("*.yaml")))]


@dataclass(frozen=True, slots=True)
class Crash:
    """A file that violated a property, and the code position."""

    content: bytes
    where: str
    trace: str

    def keep(self) -> Path:
        """Add the file to the corpus, which the tests try from then on."""
        path = CORPUS / f"crash-{hashlib.sha256(self.content).hexdigest()[:12]}.yaml"
        path.write_bytes(self.content)
        return path


@dataclass(slots=True)
class Fuzzing:
    """One fuzzing run; the same seed and corpus make the same files."""

    seed: int
    tried: int = 0
    _pool: list[bytes] = field(default_factory=seeds)
    _seen: set[tuple[str, ...]] = field(default_factory=set)

    def crashes(self, continues: Callable[[], bool]) -> Iterator[Crash]:
        """Yield crashing files, minimised, one per kind, while `continues` returns True."""
        rng = random.Random(self.seed)
        known: set[str] = set()
        while continues():
            content = mutated(rng.choice(self._pool), self._pool, rng)
            self.tried += 1
            crash = self._tried(content)
            if crash is not None and crash.where not in known:
                known.add(crash.where)
                yield minimised(crash)

    def _tried(self, content: bytes) -> Crash | None:
        try:
            found = check(content)
        except Exception as error:  # noqa: BLE001 - any exception is a crash
            return crash_of(content, error)
        if found not in self._seen and len(self._pool) < _MOST_KEPT:
            self._seen.add(found)
            self._pool.append(content)
        return None


def crash_of(content: bytes, error: Exception) -> Crash:
    """Return the description of a crash; `where` identifies its kind."""
    frames = traceback.extract_tb(error.__traceback__)
    # A slow file is interrupted at a different position each time: all of them are one kind.
    last = "" if type(error).__name__ == "TooSlowError" else f" at {frames[-1].filename}:{frames[-1].lineno}"
    return Crash(content, f"{type(error).__name__}{last}", "".join(traceback.format_exception(error)))


def minimised(crash: Crash) -> Crash:
    """Return the same crash for a smaller file: lines are removed first, then ever smaller parts."""
    parts = crash.content.splitlines(keepends=True)
    parts = _fewer(parts, crash)
    content = b"".join(parts)
    size = max(len(content) // 2, 1)
    while size >= 1:
        parts = [content[at : at + size] for at in range(0, len(content), size)]
        content = b"".join(_fewer(parts, crash))
        size //= 2
    return _same(content, crash) or crash


def _fewer(parts: list[bytes], crash: Crash) -> list[bytes]:
    at = 0
    while at < len(parts):
        fewer = [*parts[:at], *parts[at + 1 :]]
        if _same(b"".join(fewer), crash) is not None:
            parts = fewer
        else:
            at += 1
    return parts


def _same(content: bytes, crash: Crash) -> Crash | None:
    try:
        check(content)
    except Exception as error:  # noqa: BLE001 - as above
        found = crash_of(content, error)
        return found if found.where == crash.where else None
    return None
