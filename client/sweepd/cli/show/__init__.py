"""Descriptions of sweeps and runs for people, and display of their progress."""
