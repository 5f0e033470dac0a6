"""Connections to a server: discovery of its address and token, channels, failures of calls."""
