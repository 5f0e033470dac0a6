"""Benchmarks, each of which also measures a peer or a lower bound on the same machine, for their ratio."""

import os

# Use one thread for linear algebra, like the workers that fit models; set before numpy is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
