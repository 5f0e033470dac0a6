"""Processes of attempts: supervised, watched, started with their arguments, environment and devices."""
