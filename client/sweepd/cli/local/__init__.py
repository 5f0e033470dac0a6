"""Processes of this machine: servers and agents that commands start, and folders to sync."""
