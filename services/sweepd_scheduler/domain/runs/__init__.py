"""Runs and their attempts: what they are, how they begin, end, and go on."""
