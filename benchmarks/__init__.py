"""Speed, measured as ratios in one run: the peer or the limit beside us on the same machine."""

import os

# Linear algebra in one thread, as in the workers that fit models; decided when numpy is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
