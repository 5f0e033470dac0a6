"""Folders of the agent and of attempts: rows, log, details, samples and files on disk."""
