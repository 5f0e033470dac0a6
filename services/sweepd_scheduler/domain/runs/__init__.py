"""Runs and their attempts: their states, results, checkpoints and ends."""
