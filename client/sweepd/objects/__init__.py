"""Sweeps and runs as Python objects, blocking and asynchronous; see docs/python.md.

`generate.py` generates the blocking `client.py` and `sweep.py`, which use a connection that never suspends,
from `async_client.py` and `async_sweep.py`.
"""
