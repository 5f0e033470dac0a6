"""The scheduler: what exists, what runs, who may report."""
