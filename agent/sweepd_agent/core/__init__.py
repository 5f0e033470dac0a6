"""Decisions of the agent, free of processes, streams, files and clocks."""
