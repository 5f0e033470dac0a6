"""Sweeps and runs as Python objects, blocking and asynchronous; see docs/python.md.

`async_client.py` and `async_sweep.py` are the source of both clients: `generate.py` makes `client.py` and
`sweep.py` of them, whose coroutines run over a wire that never suspends.
"""
