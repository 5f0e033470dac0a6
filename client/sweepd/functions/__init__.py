"""Sweeps from Python: creating them from dictionaries, and runs that are calls of a function."""
