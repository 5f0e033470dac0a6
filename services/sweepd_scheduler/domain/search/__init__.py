"""Search: choice of the next point of a sweep, and observations of the study."""
