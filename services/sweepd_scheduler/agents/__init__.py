"""Streams of agents: their sessions, reports to the owner and the metric store, commands to agents."""
