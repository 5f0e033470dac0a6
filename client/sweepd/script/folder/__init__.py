"""Folder of a run: the files that the script shares with its agent and its child processes."""
