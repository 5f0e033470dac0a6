"""Decisions of the agent, without access to processes, streams, files or clocks."""
