"""Prior runs: runs of elsewhere with which a sweep begins, as observations."""
