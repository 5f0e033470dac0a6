"""The argument vector of a run: the macros of `command`, and what a system can pass."""
