"""The metric store: every point, log line and file of every run."""
