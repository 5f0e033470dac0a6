"""Domain logic of the metric store, without I/O."""
