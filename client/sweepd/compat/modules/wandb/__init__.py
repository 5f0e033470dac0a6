"""sweepd under the name of W&B's module, for scripts that import that."""

from sweepd import *  # noqa: F403
