"""Processes of attempts: arguments, environment and devices, start, supervision and end."""
