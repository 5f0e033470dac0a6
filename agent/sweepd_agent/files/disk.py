"""The threads that wait for the disk."""

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

# What is being written as an agent leaves has so many seconds; it may be cut off, as by a kill.
_LAST_SECONDS = 5.0


@contextmanager
def disk_threads(count: int) -> Iterator[Executor]:
    """Give threads that end with the block, but for those of a disk that hangs: nobody stays for these."""
    threads = ThreadPoolExecutor(count, thread_name_prefix="disk")
    try:
        yield threads
    finally:
        ending = threading.Thread(target=threads.shutdown, daemon=True)
        ending.start()
        ending.join(_LAST_SECONDS)
