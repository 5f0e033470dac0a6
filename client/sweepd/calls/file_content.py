"""Content of a file of any kind: no pipe without a writer, no endless device holds the reader up."""

import errno
import os
import select
import stat
import sys
from typing import Final

from sweepd.spec.limits import MAX_FILE_BYTES

_MOST: Final = MAX_FILE_BYTES + 1
"""Bytes that tell that a file is too large."""

_PATIENCE: Final = 2.0
"""Seconds that a named pipe may be without anybody who writes into it."""


def read_content(file: str) -> bytes:
    """Return what a file holds, `-` being stdin; no more of it than tells that it is too large.

    Raises:
        OSError: it cannot be read.
    """
    if file == "-":
        if sys.stdin is None:
            raise OSError(errno.EBADF, "stdin is closed")
        return sys.stdin.buffer.read(_MOST)
    # Opening a named pipe would wait for somebody who writes into it, for ever if need be.
    with open(file, "rb", opener=_opened) as stream:
        descriptor = stream.fileno()
        start = _start(descriptor) if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else b""
        os.set_blocking(descriptor, True)
        return start + stream.read(_MOST - len(start))


def _opened(file: str, flags: int) -> int:
    return os.open(file, flags | os.O_NONBLOCK)


def _start(descriptor: int) -> bytes:
    """Return the start of what is in a pipe, once somebody writes into it; he may take all his time.

    Raises:
        OSError: nobody does.
    """
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    written = waiting.poll(_PATIENCE * 1000)
    try:
        start = os.read(descriptor, 1)
    except BlockingIOError:
        return b""
    if not start and not written:
        raise OSError(errno.EPIPE, "nobody writes into this pipe")
    return start
