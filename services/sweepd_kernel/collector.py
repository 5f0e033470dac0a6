"""Python's collector of reference cycles, and when it is not to run."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles meanwhile: for work that makes many objects at once, all of which stay.

    Each time their number has grown by a quarter the collector would go through all there are, in vain.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
