"""The metric store: every point and every log line."""
