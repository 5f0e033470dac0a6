"""Search methods, which determine the next point of a sweep from index and seed."""
