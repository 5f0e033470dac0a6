"""SQL storage of the metric store."""
