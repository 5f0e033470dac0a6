"""Metric store: stores every point, log line and file of every run."""
