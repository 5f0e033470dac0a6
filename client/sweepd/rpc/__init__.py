"""Connections to a server: its address and token, channels to it, failures of calls."""
