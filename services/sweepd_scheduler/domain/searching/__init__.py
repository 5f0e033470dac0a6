"""Points: which one a sweep tries next, and what the search is told."""
