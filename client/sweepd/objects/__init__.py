"""Sweeps and runs as Python objects, blocking and asynchronous; see docs/python.md.

The logic is written once, as coroutines over a `Wire`. The asynchronous client awaits them; the blocking one
runs them on a wire that never suspends.
"""
