"""Sweeps from Python: created from dictionaries, with runs that are function calls."""
