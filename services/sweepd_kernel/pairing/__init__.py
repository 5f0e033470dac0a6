"""Pairing of the databases of the scheduler and the metric store: checks that they belong together."""
