"""Sweeps and runs as Python objects, blocking and asynchronous; see docs/python.md.

`async_client.py` and `async_sweep.py` are the source of both clients: from them, `generate.py` generates the
blocking `client.py` and `sweep.py`, which use a wire that never suspends.
"""
