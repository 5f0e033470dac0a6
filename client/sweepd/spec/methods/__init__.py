"""Search methods: the next point of a sweep, by index and seed alone."""
