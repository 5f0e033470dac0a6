"""Decisions of the metric store, free of I/O."""
