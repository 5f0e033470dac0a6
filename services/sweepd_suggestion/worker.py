"""Worker process that fits models: reads questions from standard input, writes answers to standard output."""

import os
import signal
import sys
import traceback
from importlib import import_module
from typing import BinaryIO

from sweepd_kernel.process.os_process import die_with_parent
from sweepd_suggestion.domain.questions import ImportanceQuestion
from sweepd_suggestion.worker_process import (
    HEADER,
    Failed,
    FromWorker,
    Ready,
    ToWorker,
    WarmUp,
    decoded_message,
    encoded,
)

_ENGINE_MODULE = "sweepd_suggestion.domain.gaussian_process"
_IMPORTANCE_MODULE = "sweepd_suggestion.domain.feature_importance"


def main() -> None:
    """Answer questions until the service closes the pipe or ends."""
    die_with_parent(int(sys.argv[1]))
    # Ignore Ctrl-C in the terminal: the service handles it, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Redirect standard output, so that library output does not mix with the answers.
    os.dup2(2, 1)
    while (message := _next(questions)) is not None:
        answers.write(encoded(_answered(message)))
        answers.flush()


def _next(questions: BinaryIO) -> ToWorker | None:
    header = questions.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    body = questions.read(length)
    return decoded_message(body) if len(body) == length else None


def _answered(message: ToWorker) -> FromWorker:
    try:
        # Imported lazily: loading takes two seconds and a hundred megabytes.
        if isinstance(message, ImportanceQuestion):
            importance: FromWorker = import_module(_IMPORTANCE_MODULE).feature_importance(message)
            return importance
        engine = import_module(_ENGINE_MODULE)
        if isinstance(message, WarmUp):
            return Ready()
        answer: FromWorker = engine.answer(message)
        return answer
    except Exception:  # noqa: BLE001 (the service handles it)
        return Failed(traceback.format_exc())


if __name__ == "__main__":
    main()
