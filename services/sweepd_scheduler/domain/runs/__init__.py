"""Runs and their attempts: what they are, how they begin, continue and end."""
