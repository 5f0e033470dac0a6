"""Search: which point a sweep tries next, and what the search learns."""
