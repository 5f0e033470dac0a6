"""Which point comes next, by index and seed alone."""
