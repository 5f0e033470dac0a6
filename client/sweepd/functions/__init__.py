"""Sweeps that are defined by dictionaries, and runs that are calls of Python functions."""
