"""Pairing of the databases of the scheduler and the metric store: check that they belong together."""
